"""The JSON API: every answer has the fields of the command of the same name."""

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Any, Literal
from urllib.parse import quote

from anyio import to_thread
from fastapi import APIRouter, Depends, File, Form, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse

import salm
from salm.errors import InputError
from salm.frame import WINDS
from salm.model.cone import WIDEST_DEG
from salm.model.locate import locate_file
from salm.scanning.formats import TimelineFormat
from salm.web.answers import About, Edit, Embeddings, Heard, Located, Problem, Ranking, Scan, SearchResult
from salm.web.desk import Desk
from salm.web.directions import direction_map
from salm.web.editing import edited
from salm.web.jobs import TooManyJobs
from salm.web.scanning import scanned, timeline_file
from salm.web.sounds import ambix_wav, excerpt, head
from salm.web.uploads import Upload

__all__ = ["router"]

router = APIRouter(
    prefix="/api",
    responses={
        status: {"model": Problem, "description": text}
        for status, text in {
            413: "too large",
            422: "cannot be used",
            429: "too much at once",
            507: "no room on the server's disk",
        }.items()
    },
)

FILE = {200: {"content": {"text/plain": {}}, "description": "a file, named after the recording"}}
WAV = {200: {"content": {"audio/wav": {}}, "description": "AmbiX W, Y, Z, X in 32-bit floating point"}}


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


At = Annotated[Desk, Depends(_desk)]
Sound = Annotated[UploadFile, File(description="A recording: Ambisonics, stereo or mono.")]
Text = Annotated[list[str], Form(description="Sentences.")]
Layout = Annotated[str | None, Form(description="Channel layout, if it is not what the file says.")]
Facing = Annotated[str, Form(description="Where the front is on the compass.")]
Seconds = Annotated[float, Query(ge=0, allow_inf_nan=False)]


@router.get("/about")
def about(desk: At) -> About:
    """What this server is, and what it takes."""
    limits = {name: float(value) for name, value in asdict(desk.limits).items()}
    model = {"name": desk.model.config.name, "digest": desk.model.digest}
    return About(salm=salm.__version__, model=model, libraries=desk.shelf.names(), facings=list(WINDS), limits=limits)


@router.get("/head")
def ears(rate_hz: Annotated[int, Query(ge=8_000, le=384_000)]) -> dict[str, Any]:
    """Filters of a head, for listening with headphones."""
    return head(rate_hz)


@router.post("/hear")
async def hear(desk: At, file: Sound, layout: Layout = None) -> Heard:
    """What a file is, and where its sound is over time, without learning."""
    with await Upload.received(file) as upload:

        def answer() -> Heard:
            recording = upload.read(desk.limits, layout=layout)
            return Heard(
                file=upload.name,
                duration_s=recording.duration_s,
                rate_hz=recording.rate_hz,
                layout=recording.layout,
                ambiguity=recording.ambiguity,
                notes=list(recording.notes),
                map=direction_map(recording),
            )

        return await desk.worker.run(answer)


@router.post("/ambix", response_class=Response, responses=WAV)  # type: ignore[arg-type]
async def ambix(desk: At, file: Sound, layout: Layout = None) -> Response:
    """The recording as the model hears it: AmbiX, whatever the file was."""
    with await Upload.received(file) as upload:
        content = await desk.worker.run(lambda: ambix_wav(upload.read(desk.limits, layout=layout)))
    return Response(content, media_type="audio/wav")


@router.post("/locate")
async def locate(
    desk: At,
    file: Sound,
    windows: Annotated[bool, Form(description="One direction for every window, not one for the file.")] = False,
    what: Annotated[str | None, Form(description="Words; each window is scored by how well it fits them.")] = None,
    method: Annotated[Literal["model", "intensity"], Form()] = "model",
    front_deg: Annotated[float, Form(allow_inf_nan=False)] = 0.0,
    widest_deg: Annotated[float, Form(ge=0, le=180)] = WIDEST_DEG,
    layout: Layout = None,
) -> Located:
    """Where is it: azimuth, elevation, sector, confidence, ambiguity."""
    if method == "intensity" and (windows or what is not None):
        raise InputError("windows and what need the model; leave out method intensity.")
    said = None if what is None else desk.limits.checked([what])[0]
    with await Upload.received(file) as upload:

        def answer() -> dict[str, Any]:
            path = upload.checked(desk.limits)
            with upload.named():
                return locate_file(
                    path,
                    desk.model if method == "model" else None,
                    windows=windows,
                    what=said,
                    front_deg=front_deg,
                    layout=layout,
                    widest_deg=widest_deg,
                )

        found = await desk.worker.run(answer)
        return Located(front_deg=front_deg, files=[{"file": upload.name, "error": None, **found}])  # type: ignore[list-item]


@router.post("/rank")
async def rank(desk: At, file: Sound, text: Text, layout: Layout = None) -> Ranking:
    """Which sentence fits a recording, with what and where scored apart."""
    sentences = desk.limits.checked(text)
    with await Upload.received(file) as upload:

        def answer() -> list[dict[str, Any]]:
            recording = upload.read(desk.limits, layout=layout)
            return [asdict(item) for item in desk.model.rank(recording, sentences)]

        return Ranking(file=upload.name, ranking=await desk.worker.run(answer))  # type: ignore[arg-type]


@router.post("/embed")
async def embed(
    desk: At,
    file: Annotated[UploadFile | None, File(description="A recording.")] = None,
    text: Annotated[list[str] | None, Form(description="Sentences.")] = None,
    layout: Layout = None,
) -> Embeddings:
    """Embeddings of a recording (raw), of sentences (of length one), or of both."""
    sentences = desk.limits.checked(text or [], least=0)
    if file is None and not sentences:
        raise InputError("there is nothing to embed; give a file, or sentences as text.")
    with ExitStack() as held:
        upload = None if file is None else held.enter_context(await Upload.received(file))

        def answer() -> dict[str, Any]:
            recordings = [] if upload is None else [upload.read(desk.limits, layout=layout)]
            vectors = desk.model.embed_text(sentences).tolist() if sentences else []
            audio = desk.model.embed_audio(recordings)._asdict()
            return {**{name: part.tolist() for name, part in audio.items()}, "text": vectors}

        found = await desk.worker.run(answer)
        files = [] if upload is None else [upload.name]
        return Embeddings(files=files, sentences=sentences, model=desk.model.digest, **found)


@router.post("/search")
async def search(
    desk: At,
    library: Annotated[str, Form(description="Name of a library that the server was started with.")],
    text: Annotated[str, Form(description="What, where, or both; with a file only where.")] = "",
    file: Annotated[UploadFile | None, File(description="A recording: find what sounds like it.")] = None,
    limit: Annotated[int, Form(ge=1, le=100)] = 10,
    facing: Facing = "north",
    layout: Layout = None,
) -> SearchResult:
    """Search a library by words, by an example, by angle."""
    said = "".join(desk.limits.checked([text], least=0))
    with ExitStack() as held:
        upload = None if file is None else held.enter_context(await Upload.received(file))

        def answer() -> dict[str, Any]:
            example = None if upload is None else upload.read(desk.limits, layout=layout)
            return desk.shelf.search(library, said, example=example, limit=limit, facing=facing)

        return SearchResult(**await desk.worker.run(answer))


@router.get("/libraries/{library}/sounds/{key}", response_class=Response, responses=WAV)  # type: ignore[arg-type]
async def sound(
    desk: At,
    library: str,
    key: str,
    start_s: Seconds = 0.0,
    end_s: Annotated[float | None, Query(allow_inf_nan=False)] = None,
) -> Response:
    """A recording of a library, or a part of it, as AmbiX."""

    def answer() -> bytes:
        path = desk.shelf.sound(library, key)
        return ambix_wav(excerpt(path, desk.limits, start_s=start_s, end_s=end_s))

    return Response(await desk.worker.run(answer), media_type="audio/wav")


@router.post("/edit")
async def edit(
    desk: At,
    file: Sound,
    sentence: Annotated[str, Form(description='Such as "move it to the left".')],
    facing: Facing = "north",
    layout: Layout = None,
) -> Edit:
    """Change a sound field by a sentence; the result can be fetched for a while."""
    (said,) = desk.limits.checked([sentence])
    with await Upload.received(file) as upload:

        def answer() -> dict[str, Any]:
            recording = upload.read(desk.limits, layout=layout)
            with upload.named():
                return edited(recording, said, desk.results.new(), facing=facing)

        return Edit(file=upload.name, **await desk.worker.run(answer))


@router.get("/results/{key}/{name}", response_class=Response, responses=WAV)  # type: ignore[arg-type]
def result(desk: At, key: str, name: str) -> FileResponse:
    """A file of an edit: ``edited.wav`` is AmbiX, ``headphones.wav`` a preview for headphones."""
    return FileResponse(desk.results.path(key, name), media_type="audio/wav")


@router.post("/scan", status_code=202)
async def scan(
    desk: At,
    file: Sound,
    text: Annotated[list[str] | None, Form(description="What may be heard.")] = None,
    layout: Layout = None,
) -> Scan:
    """Start a timeline of a long recording; ask for it by its id."""
    sentences = desk.limits.checked(text or [], least=0)
    try:
        desk.jobs.check_room()
        with ExitStack() as held:
            upload = held.enter_context(await Upload.received(file))
            await to_thread.run_sync(upload.checked, desk.limits)
            steps = scanned(upload, desk.limits, desk.model, sentences, layout=layout)
            job = desk.jobs.start(steps, held.pop_all())
    except TooManyJobs as error:
        raise HTTPException(429, str(error), headers={"Retry-After": "10"}) from error
    return Scan(**job.to_dict())


@router.get("/scan/{key}")
def scan_state(desk: At, key: str) -> Scan:
    """How far a scan is, and its timeline when it is done."""
    try:
        return Scan(**desk.jobs.get(key).to_dict())
    except KeyError:
        raise HTTPException(404, "there is no such scan, or it is no longer remembered.") from None


@router.get("/scan/{key}/{form}", response_class=Response, responses=FILE)  # type: ignore[arg-type]
def scan_file(desk: At, key: str, form: TimelineFormat) -> Response:
    """The timeline of a scan as a file: DCASE rows, Audacity labels, Reaper regions, or everything as JSON."""
    job = scan_state(desk, key)
    if job.result is None:
        why = {"failed": f"failed: {job.error}", "cancelled": "was cancelled and has no files."}
        raise HTTPException(409, f"the scan {why.get(job.state, 'is not done; ask for its files when it is.')}")
    name, kind, text = timeline_file(job.result, form)
    return Response(
        text, media_type=kind, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    )


@router.delete("/scan/{key}")
def scan_cancel(desk: At, key: str) -> Scan:
    """Stop a scan."""
    try:
        return Scan(**desk.jobs.cancel(key).to_dict())
    except KeyError:
        raise HTTPException(404, "there is no such scan, or it is no longer remembered.") from None
