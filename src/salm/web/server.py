"""The application behind `salm serve`: the page, the API, and how both say that something is wrong."""

import errno
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import salm
from salm.errors import InputError, one_line
from salm.library.index import Library
from salm.model.inference import Model
from salm.pictures.drawing import colours
from salm.web.api import router
from salm.web.desk import Desk
from salm.web.guard import Guard, own_names
from salm.web.jobs import FAULT
from salm.web.limits import Limits

__all__ = ["create_app"]

PAGE = Path(__file__).with_name("page")


def create_app(
    model: Model,
    *,
    libraries: Mapping[str, Library] | None = None,
    limits: Limits | None = None,
    names: Collection[str] = (),
) -> FastAPI:
    """The page and the API over a model.

    Parameters
    ----------
    libraries
        What can be searched, by name.
    names
        Host names, besides localhost, IP addresses and this machine's own, by which clients may call the server.
    """
    limits = limits or Limits()
    desk = Desk.laid(model, libraries or {}, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await desk.close()

    # The ready-made pages of documentation load scripts from elsewhere; the description itself is served.
    app = FastAPI(
        title="SALM",
        summary="Find, locate and edit spatial sound with words.",
        version=salm.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
    )
    app.state.desk = desk
    app.add_middleware(Guard, limits=limits, names=own_names(*names))
    app.include_router(router)
    app.get("/page/colours.css", include_in_schema=False)(_colours)
    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    app.get("/", include_in_schema=False)(_page)
    app.exception_handler(InputError)(_refused)
    app.exception_handler(RequestValidationError)(_misused)
    app.exception_handler(HTTPException)(_not_served)
    app.exception_handler(OSError)(_unwritten)
    app.exception_handler(Exception)(_failed)
    return app


def _page() -> FileResponse:
    return FileResponse(PAGE / "index.html")


def _colours() -> Response:
    """Those of all pictures and pages, so that no page has its own."""
    return Response(colours(), media_type="text/css")


def _refused(_: Request, error: InputError) -> JSONResponse:
    return _no_room() if _is_of_full_disk(error) else _problem(422, str(error))


def _misused(_: Request, error: RequestValidationError) -> JSONResponse:
    first = error.errors()[0]
    return _problem(422, f"{first['loc'][-1]}: {first['msg'][:1].lower()}{first['msg'][1:]}.")


def _not_served(_: Request, error: HTTPException) -> JSONResponse:
    # A form that could not be stored counts as one that could not be read.
    if _is_of_full_disk(error):
        return _no_room()
    text = "there is nothing at this address." if error.detail == "Not Found" else error.detail
    return _problem(error.status_code, text, headers=error.headers)


def _unwritten(_: Request, error: OSError) -> JSONResponse:
    if _is_of_full_disk(error):
        return _no_room()
    raise error


def _failed(request: Request, _: Exception) -> JSONResponse:
    # The traceback follows: Starlette raises the error again when this is sent, and uvicorn logs it.
    logging.getLogger(__name__).error("%s %s failed.", request.method, request.url.path)
    return _problem(500, FAULT)


def _is_of_full_disk(error: BaseException | None) -> bool:
    while error is not None and getattr(error, "errno", None) not in (errno.ENOSPC, errno.EDQUOT):
        error = error.__cause__
    return error is not None


def _no_room() -> JSONResponse:
    return _problem(507, "this server's disk is full; make room in its folder for temporary files (TMPDIR).")


def _problem(status: int, text: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": one_line(text)}, status_code=status, headers=headers)
