"""`nbcarbon` on the command line: parse, delegate, print. No logic of its own."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon.deciding import asked
from nbcarbon.errors import NbcarbonError
from nbcarbon.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0 done, 1 a cell failed, 2 it cannot be done."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "command"):
        parser.print_help()
        return 2
    try:
        code: int = chosen.command(chosen)
    except NbcarbonError as error:
        print(f"nbcarbon: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has read enough; Python's own flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nbcarbon", description="The energy and CO2e of what you run in notebooks."
    )
    parser.add_argument("--version", action="version", version=f"nbcarbon {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    run = commands.add_parser("run", help="execute a notebook with every cell measured")
    run.add_argument("notebook", type=Path, metavar="NOTEBOOK")
    run.add_argument("--output", type=Path, help="the executed notebook [NOTEBOOK.executed.ipynb]")
    run.add_argument(
        "--summary",
        type=Path,
        action="append",
        metavar="PATH",
        help="where figures go, in any export's format",
    )
    run.add_argument("--zone", "--region", help="grid zone or cloud region, not looked for then")
    run.add_argument("--allow-errors", action="store_true", help="go on after a cell that fails")
    run.add_argument("--with-host", action="store_true", help="name host and notebook in summaries")
    run.set_defaults(command=_run)

    doctor = commands.add_parser("doctor", help="what can be measured here, and how to get more")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(command=_doctor)

    report = commands.add_parser("report", help="show a recorded session")
    report.add_argument("ledger", nargs="?", default="latest", metavar="LEDGER|latest|EXPORT.json")
    report.add_argument(
        "--output", type=Path, metavar="PATH", help="write it, in the format its ending names"
    )
    _add_export_options(report)
    report.add_argument("--force", action="store_true", help="overwrite an existing file")
    report.add_argument("--with-host", action="store_true", help="name host and notebook")
    report.set_defaults(command=_report)

    estimate = commands.add_parser(
        "estimate", help="what hardware will use before it runs, or many times a measured cell"
    )
    asked.add_estimate(estimate)
    estimate.add_argument(
        "--ledger", metavar="LEDGER|latest", help="the session of --like [latest]"
    )
    estimate.set_defaults(command=_estimate)

    calibrate = commands.add_parser(
        "calibrate", help="fit this machine's figures to what a wall meter recorded"
    )
    what = calibrate.add_mutually_exclusive_group(required=True)
    what.add_argument("--meter", type=Path, metavar="FILE.csv", help="times and watts at the wall")
    what.add_argument("--delete", action="store_true", help="forget this machine's calibrations")
    calibrate.add_argument(
        "--accuracy", type=float, metavar="PERCENT", help="the meter's own, ± percent [1]"
    )
    calibrate.set_defaults(command=_calibrate)

    baseline = commands.add_parser("baseline", help="measure this machine's idle power")
    baseline.add_argument(
        "--duration", type=float, default=60.0, metavar="SECONDS", help="for how long [60]"
    )
    baseline.add_argument("--force", action="store_true", help="keep it though it was not idle")
    baseline.set_defaults(command=_baseline)

    history = commands.add_parser("history", help="sessions kept on this machine")
    delete = history.add_mutually_exclusive_group()
    delete.add_argument("--delete", metavar="SESSION", help="delete one session")
    delete.add_argument("--before", metavar="DATE", help="delete sessions older than YYYY-MM-DD")
    delete.add_argument("--all", action="store_true", help="delete every session")
    history.add_argument(
        "--since", metavar="30d|DATE", help="from then on: 12h, 30d, 2w, YYYY-MM-DD"
    )
    history.add_argument(
        "--by", choices=("notebook", "day", "zone", "tag"), default="", help="sums, not sessions"
    )
    shape = history.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for programs")
    shape.add_argument(
        "--html", nargs="?", type=Path, const=Path("carbon-history.html"), metavar="PATH",
        help="write a page that shows all of it [carbon-history.html]",
    )  # fmt: skip
    history.add_argument("--force", action="store_true", help="overwrite an existing page")
    history.set_defaults(command=_history)

    for name, text in (
        ("enable", "measure in every new IPython shell and kernel"),
        ("disable", "undo enable"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--profile", default="default", help="IPython profile [default]")
        command.set_defaults(command=_enable, on=name == "enable")
    return parser


def _run(chosen: argparse.Namespace) -> int:
    from nbcarbon.runner.run import run

    in_terminal = sys.stdout.isatty()
    clear = "\r\x1b[K" if in_terminal else ""
    return run(
        chosen.notebook,
        output=chosen.output,
        summaries=chosen.summary,
        zone=chosen.zone,
        allow_errors=chosen.allow_errors,
        with_host=chosen.with_host,
        say=lambda line: print(f"{clear}{line}", flush=True),
        running=(lambda line: print(f"{clear}{line}", end="", flush=True)) if in_terminal else None,
        ascii=not _unicode(),
    )


def _doctor(chosen: argparse.Namespace) -> int:
    from nbcarbon import doctor

    checks = doctor.examine(os.environ)
    if chosen.json:
        _print_json(doctor.as_json(checks))
    else:
        print("\n".join(doctor.lines(checks)))
    return 0


def _report(chosen: argparse.Namespace) -> int:
    from nbcarbon.user_session import Session

    session = Session.load(chosen.ledger)
    if chosen.output is None:
        from nbcarbon.notebook.card import report_text

        print(report_text(session.figures(), ascii=not _unicode()))
        return 0
    written = session.export(
        chosen.output,
        as_=chosen.as_,
        force=chosen.force,
        with_host=chosen.with_host,
        **_told(chosen),
    )
    print(f"Written: {written}")
    return 0


def _estimate(chosen: argparse.Namespace) -> int:
    from nbcarbon.core import scenario_words
    from nbcarbon.deciding import sessions

    found = sessions.estimate_apart(chosen, os.environ)
    if chosen.json:
        _print_json(scenario_words.as_json(found))
        return 0
    for line in scenario_words.lines(found):
        print(_shown(line))
    return 0


def _add_export_options(parser: argparse.ArgumentParser) -> None:
    from nbcarbon import export

    parser.add_argument(
        "--as", dest="as_", default="", metavar="FORMAT", help=", ".join(export.words())
    )
    for name, text in export.options().items():
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="TEXT", help=text)


def _told(chosen: argparse.Namespace) -> dict[str, str]:
    """The options of a format that were given."""
    from nbcarbon import export

    given = {name: getattr(chosen, name) for name in export.options()}
    return {name: value for name, value in given.items() if value is not None}


def _calibrate(chosen: argparse.Namespace) -> int:
    from nbcarbon import calibrating

    if chosen.delete:
        print(calibrating.forget_line(os.environ))
        return 0
    for line in calibrating.calibrate_lines(
        os.environ, chosen.meter, meter_percent=chosen.accuracy
    ):
        print(_shown(line))
    return 0


def _baseline(chosen: argparse.Namespace) -> int:
    import time

    from nbcarbon import idle

    for line in idle.baseline_lines(
        os.environ, duration_s=chosen.duration, force=chosen.force, sleep=time.sleep
    ):
        print(_shown(line), flush=True)
    return 0


def _history(chosen: argparse.Namespace) -> int:
    from nbcarbon import recorded

    if chosen.delete or chosen.before or chosen.all:
        count = recorded.delete_sessions(
            os.environ, session=chosen.delete, before=chosen.before, everything=chosen.all
        )
        print(f"Deleted: {count} session{'' if count == 1 else 's'}.")
        return 0
    return _history_shown(chosen)


def _history_shown(chosen: argparse.Namespace) -> int:
    from datetime import datetime

    from nbcarbon import history

    since = None
    if chosen.since is not None:
        since = history.moment(chosen.since, datetime.now().astimezone())
    if chosen.html is not None:
        written = history.write_page(os.environ, chosen.html, since=since, force=chosen.force)
        print(f"Written: {written}")
    elif chosen.json:
        _print_json(history.as_json(os.environ, by=chosen.by, since=since))
    else:
        for line in history.session_lines(os.environ, by=chosen.by, since=since):
            print(_shown(line))
    return 0


def _enable(chosen: argparse.Namespace) -> int:
    from nbcarbon.notebook import profile

    print(profile.enable(chosen.profile) if chosen.on else profile.disable(chosen.profile))
    return 0


def _shown(line: str) -> str:
    """A line of ours as this terminal can show it: it may hold what a file or a device says of itself."""
    from nbcarbon.core import escape, humanize

    return humanize.plain(escape.terminal(line), ascii=not _unicode())


def _unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16")


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
