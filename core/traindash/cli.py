"""The command line. Each command imports what it needs when it runs, so that a launch starts at once."""

import gc
import json
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from traindash.errors import AppError, InputError
from traindash.text_files import read_text

if TYPE_CHECKING:
    from traindash.datasets.importing import Layout
    from traindash.domain.jobs import ImportReport
    from traindash.plans.series import SeriesPlan

DEFAULT_PORT = 8501
_FEWEST_TO_COMPARE = 2
_SHOWN_EXAMPLES = 3


class _Commands(click.Group):
    """Tells errors that are meant for people in their own words, with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever a command returns
        try:
            return super().invoke(ctx)
        except AppError as error:
            details = getattr(error, "details", "")  # of errors of the client, which not every command imports
            raise click.ClickException(f"{error} ({details})" if details else str(error)) from error


def _port(command: Callable[..., Any]) -> Callable[..., Any]:
    about = "Port of the dashboard."
    return click.option("--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help=about)(
        command
    )


@click.group(cls=_Commands, invoke_without_command=True)
@_port
@click.pass_context
def main(context: click.Context, port: int) -> None:
    """Train computer-vision models the Supervisely way. Without a command: start the dashboard."""
    if context.invoked_subcommand is None:
        start_dashboard(port)


def start_dashboard(port: int) -> None:
    """Serve dashboard and platform on a port of this machine until interrupted."""
    from runpy import run_module

    from traindash.platform.startup import check_port, or_refuse, usable_settings
    from traindash.settings import screens_folder

    usable_settings()
    with or_refuse():
        check_port("127.0.0.1", port)
    sys.argv = ["streamlit", "run", str(screens_folder() / "app.py"), "--server.port", str(port)]
    run_module("streamlit", run_name="__main__", alter_sys=True)  # as `python -m streamlit`


@contextmanager
def _without_collecting_garbage() -> Iterator[None]:
    """Leave garbage for the end of the process, which is near: collectors would look through all imports, in vain."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@main.command()
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--server", help="Address of the server.  [default: SERVER_ADDRESS]")
@click.option("--token-env", help="Environment variable that holds the API token.  [default: API_TOKEN]")
@_without_collecting_garbage()
def launch(plan: Path, server: str | None, token_env: str | None) -> None:
    """Start the plan in the YAML file PLAN and print the id of its task; of a plan with “series”, all its tasks."""
    from traindash.plans.plan_file import SERIES, plan_of, read_mapping
    from traindash.supervisely.client import connect
    from traindash.tasks.launcher import check_and_launch

    text = read_text(plan, str(plan))
    content, lines = read_mapping(text)
    if SERIES in content:
        from traindash.plans.series import read_series

        _launch_series(read_series(content, lines), plan.stem, *_server(server, token_env))
        return
    wanted = plan_of(content, lines)
    address, token = _server(server, token_env)
    with connect(address, token) as client:
        launched = check_and_launch(client, wanted)
    for warning in launched.warnings:
        click.echo(f"Warning: {warning.message} {warning.hint}".rstrip(), err=True)
    click.echo(launched.task_id)


def _launch_series(series: "SeriesPlan", file_name: str, address: str, token: str) -> None:
    """Start the experiments of a series; each task's id is printed as soon as there is one.

    The series is kept in the data directory, so that the dashboard of this machine has a page for it.
    """
    from traindash.domain.ids import SeriesId
    from traindash.plans.series import experiments
    from traindash.platform.home import HomeLayout, is_token_of
    from traindash.settings import load_settings
    from traindash.supervisely.client import connect
    from traindash.supervisely.transport import EMBEDDED, normalised_address
    from traindash.tasks.series_record import SeriesStore, new_series
    from traindash.tasks.series_runner import start_now, texts

    home = load_settings().home
    # By the token and not by the address: the same server has several names, and its port may change.
    own = is_token_of(HomeLayout(home).token, token)
    with connect(address, token) as client:
        server = EMBEDDED if own else normalised_address(address)
        name = series.choices.name or series.base.experiment_name or file_name
        planned = experiments(series, texts(client, series.base))
        order = new_series(SeriesId(secrets.token_hex(5)), server, name, planned, series.choices)
        for task_id in start_now(client, SeriesStore(home / "series"), order):
            click.echo(task_id)
    if own:
        click.echo(f"Its page: {normalised_address(address)}/series?series={order.id}", err=True)


@main.command()
@_port
@click.option("--project", metavar="NAME_OR_ID", help="Project to train on.  [default: the first one]")
def env(port: int, project: str | None) -> None:
    """Print what a script for the official SDK needs to reach this dashboard, as the content of a local.env file."""
    from traindash.platform.command_line import script_environment
    from traindash.settings import load_settings

    address = f"http://127.0.0.1:{port}"
    for name, value in script_environment(load_settings().home, address=address, project=project).items():
        # No value needs its spaces (AGENT_IDS is a JSON list), and without them a shell can read the lines, too.
        click.echo(f"{name}={value.replace(' ', '')}")


@main.command("import")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the project.  [default: the one of the source]")
@click.option(
    "--format",
    "layout",
    type=click.Choice(
        ["supervisely", "coco", "yolo", "voc", "cvat", "labelme", "label-studio", "createml", "csv", "images"]
    ),
    help="Read it in this layout, also if another is likelier.  [default: recognised by its content]",
)
@click.option(
    "--look", "only_look", is_flag=True, help="Bring nothing in; print what it would be, in each layout it may have."
)
def import_project(path: Path, name: str | None, layout: str | None, *, only_look: bool) -> None:
    """Bring the folder or archive PATH in as a project and print the project's id.

    What was found, taken, left out and changed is told on standard error. PATH is only read.
    """
    from traindash.datasets.importing import FORMATS, Layout
    from traindash.platform.imports import import_path
    from traindash.settings import load_settings

    chosen = None if layout is None else Layout(layout)
    if only_look:
        _look(path, chosen)
        return
    project, opened = import_path(load_settings().home, path, name=name, layout=chosen)
    click.echo(f"{FORMATS[opened.candidate.layout].title} layout. {opened.candidate.reason}", err=True)
    for line in _told(opened.report()):
        click.echo(line, err=True)
    click.echo(project)


def _look(path: Path, layout: "Layout | None") -> None:
    """Print what data look like in one layout or in each they may have."""
    import tempfile

    from traindash.datasets.archives import archive_stem
    from traindash.datasets.first_look import look_at
    from traindash.datasets.importing import FORMATS, choose, folder_of, recognise
    from traindash.formatting import plural

    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of(path, Path(scratch) / archive_stem(path.name))
        found = recognise(folder) if layout is None else ()
        for number, candidate in enumerate(found or (choose(folder, layout),)):
            if number:
                click.echo()
            click.echo(f"{FORMATS[candidate.layout].title} layout. {candidate.reason}")
            try:
                look = look_at(candidate)
            except InputError as error:
                click.echo(f"  It cannot be read so: {error}")
                continue
            if not look.is_whole:
                seen, images = look.report.images + look.report.images_skipped, look.report.images_found
                click.echo(f"  Only the first {seen:,} of {images:,} images were looked at.")
            for line in _told(look.report):
                click.echo(f"  {line}")
            for title, of_what, numbers in (
                ("Datasets", ("image", "images"), look.datasets),
                ("Classes", ("object", "objects"), look.report.classes),
            ):
                click.echo(f"  {title}:")
                for item, many in numbers.items():
                    click.echo(f"    {item}: {plural(many, *of_what)}")


def _told(report: "ImportReport") -> Iterator[str]:
    """Yield what was taken and what was not, line by line."""
    from traindash.datasets.import_words import balance, in_words, problem_groups

    for name, numbers in balance(report):
        yield f"{name:<10}{numbers}"
    for group in problem_groups(report):
        yield f"{group.title}:"
        for problem in group.problems:
            yield f"  {in_words(problem)}"
            yield from (f"    {example.place}: {example.message}" for example in problem.examples[:_SHOWN_EXAMPLES])


@main.command()
@click.option("--gt", required=True, type=click.Path(path_type=Path), help="Ground truth, cocoGt.json.")
@click.option("--dt", required=True, type=click.Path(path_type=Path), help="Predictions, cocoDt.json.")
@click.option("--out", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
def evaluate(gt: Path, dt: Path, out: Path | None) -> None:
    """Evaluate predictions: key metrics with Supervisely's names, per class, and counts, as JSON."""
    from traindash.evaluation.report_json import evaluation_report

    # Metrics that do not exist are null: NaN is not JSON, and jq and JavaScript refuse it.
    report = evaluation_report(gt, dt)
    for note in report["notes"]:
        click.echo(f"Note: {note}", err=True)
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    if out is None:
        click.echo(text)
    else:
        _write(out, text + "\n")


@main.command()
@click.argument("folders", metavar="EVAL_DIR EVAL_DIR...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--html", required=True, type=click.Path(path_type=Path), help="File to write the report to.")
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the evaluated images, for its pictures.")
def compare(folders: tuple[Path, ...], html: Path, images: Path | None) -> None:
    """Compare evaluation directories, the first one as baseline: a report in one HTML file."""
    if len(folders) < _FEWEST_TO_COMPARE:
        raise click.UsageError("Name at least two evaluation directories.")
    from traindash.comparison.comparison_basis import on_fair_basis, standing_of
    from traindash.comparison.folder import compare_folders, images_in
    from traindash.comparison.report.page import render_report
    from traindash.steady_clock import CLOCK

    comparison, significance = on_fair_basis(compare_folders(folders))
    for note in comparison.reading_notes:
        click.echo(f"Note: {note}", err=True)
    standing = standing_of(comparison, significance)
    if standing.kind in {"rescored", "unlike"}:
        for reason in standing.reasons:
            click.echo(f"Warning: {reason}", err=True)
        click.echo(f"{standing.words}.", err=True)
    load = images_in(images, comparison) if images else None
    _write(html, render_report(comparison, significance=significance, made_at=CLOCK.now(), load=load))
    click.echo(html)


def _server(server: str | None, token_env: str | None) -> tuple[str, str]:
    """Return address and token, given or from the environment."""
    from traindash.settings import load_settings

    settings = load_settings()
    address = server or settings.server_address
    if address is None:
        raise InputError("No server is named.", "Give --server, or set SERVER_ADDRESS (“traindash env” prints it).")
    name = token_env or "API_TOKEN"
    token = settings.trainer_environment.get(name)
    if not token:
        msg = f"The environment variable {name} holds no API token."
        raise InputError(msg, "Set it, or name another one with --token-env (“traindash env” prints the token).")
    return address, token


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error


if __name__ == "__main__":
    main()
