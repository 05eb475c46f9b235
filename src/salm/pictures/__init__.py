"""Plan views, charts, thumbnails and pages of results: inline SVG and plain HTML, no plotting library needed."""
