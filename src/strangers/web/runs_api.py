"""The API of runs: their state, log and sample grids."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from strangers.web.errors import error_responses
from strangers.web.run_reader import RunReader
from strangers.web.schemas import CurvesAnswer, RunAnswer, RunsAnswer

router = APIRouter(prefix="/api/runs", tags=["runs"], responses=error_responses(400, 401, 403, 404, 422))


@router.get("")
def all_runs(request: Request) -> RunsAnswer:
    """List all runs that the server was started with."""
    return RunsAnswer(runs=[_answer(name, run) for name, run in request.app.state.service.runs.items()])


@router.get("/{run}")
def one_run(request: Request, run: str) -> RunAnswer:
    """Return the state of a run."""
    return _answer(run, request.app.state.service.run(run))


@router.get("/{run}/log")
def log(request: Request, run: str) -> CurvesAnswer:
    """Return losses, accuracies and metrics against images seen."""
    return CurvesAnswer.model_validate(request.app.state.service.run(run).curves())


@router.get(
    "/{run}/samples/{sample}.png",
    response_class=Response,
    responses={200: {"description": "The grid.", "content": {"image/png": {}}}},
)
def sample(request: Request, run: str, sample: str) -> Response:
    """Return a grid of the seeds 0 to 63, as it was drawn during training."""
    png, stamp = request.app.state.service.run(run).sample(sample)
    headers = {"ETag": f'"{stamp}"', "Cache-Control": "no-cache"}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(png, headers=headers, media_type="image/png")


def _answer(name: str, run: RunReader) -> RunAnswer:
    return RunAnswer.model_validate({"id": name, **run.summary()})
