"""`salm scenes export`, killed."""

import tarfile
from pathlib import Path

from killing.case import Plain, Wrong
from killing.digests import Digests
from salm.scenes.make import make_scenes
from salm.scenes.sample import SceneRanges


class Export(Plain):
    """Shards by one worker process."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.scenes = home / "scenes.jsonl"
        make_scenes(self.scenes, count=24, seed=0, ranges=SceneRanges(anechoic=0.8))

    def words(self, out: Path) -> list[str]:
        return ["scenes", "export", str(self.scenes), "-o", str(out), "--shard-scenes", "4", "--workers", "1", "--json"]

    def result(self, out: Path) -> Digests:
        for tar in out.glob("*.tar"):
            with tarfile.open(tar) as shard:
                shard.getmembers()
        if left := list(out.glob("*.part")):
            raise Wrong(f"{left[0].name} stays")
        return super().result(out)
