"""Reports for people: everything is said, at any width, in a terminal or not."""

import copy
import json
import re

import pytest

from salm.evaluation.report import FORMATS, latex_tables, markdown_tables, print_report


@pytest.fixture
def report(oracle_report) -> dict:
    """As another program gets it: through JSON, with figures that are easy to find."""
    report = json.loads(json.dumps(oracle_report))
    report["localisation"] |= {"mean_deg": 123.44, "p90_deg": 7.26}
    report["intervals"]["localisation"] |= {"mean_deg": [98.61, 140.2], "p90_deg": [6.44, 9.96]}
    report["retrieval"]["direction_blind"]["r5"] = 0.4321
    report["intervals"]["retrieval"]["direction_blind"]["r5"] = [0.3765, 0.99951]
    report["editing"]["change"]["audio_to_text"]["r10"] = 0.8125
    report["zero_shot"]["joint_core"] = 0.9375
    report["confidence"]["auroc"] = 0.87654
    return report


def printed(report: dict, capsys: pytest.CaptureFixture[str]) -> str:
    print_report(report)
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.parametrize("width", [80, 97, 120, 160])
def test_nothing_is_cut_off_at_any_width(report, capsys, monkeypatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    text = printed(report, capsys)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for said in ("123", "[98.6–140]", "7.3", "[6.4–10.0]", "43.2", "[37.6–100]", "81.2", "93.8", "0.877", "kind=noise"):
        assert said in text.split() or f"{said}," in text.split()


def test_every_table_is_there(report, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    text = printed(report, capsys)
    for title in ("Localisation", "Retrieval", "Zero-shot direction", "Editing", "Controls", "Confidence"):
        assert re.search(f"^{title}$", text, re.MULTILINE)
    first = " ".join(text.split("Intervals:")[0].split())
    assert first == (
        "oracle (0123), protocol default: corpus toy, split test, kind=noise, 96 sounds, 40 scenes, gallery of "
        f"{report['gallery']}, seed 3"
    )
    rows = ("oracle", "onset-weighted", "direction-blind", "trained phrasings", "semantic, audio to text", "joint")
    rows += ("in rooms, text to audio",)
    rows += ("change, text to audio", "two rooms", "Brier score", "no direction")
    for row in rows:
        assert re.search(rf"^{re.escape(row)}  ", text, re.MULTILINE), row
    for words in (report["protocol"]["localisation"], report["protocol"]["intervals"]):
        assert " ".join(words.split()) in " ".join(text.split())


def test_a_control_that_fails_is_not_overlooked(report, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert not re.search(r"\bNO\b", printed(report, capsys))
    failed = copy.deepcopy(report)
    failed["controls"]["yaw"]["holds"] = False
    assert re.search(r"^yaw +NO +azimuth median ° 0\.0 \[0\.0–0\.0\]", printed(failed, capsys), re.MULTILINE)


def test_a_terminal_gets_the_same_words(report, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    piped = printed(report, capsys)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    shown = printed(report, capsys)
    assert "\x1b[" in shown
    assert "\x1b[" not in piped
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown) == piped


def test_what_was_not_asked_is_not_said(report, capsys) -> None:
    report["rows"] = {}
    report["model"] = ""
    report["confidence"]["conditions"].pop("noise")
    text = printed(report, capsys)
    assert "kind=noise" not in text
    assert not re.search("^noise", text, re.MULTILINE)


def test_markdown_has_every_table(report) -> None:
    text = markdown_tables(report)
    titles = re.findall(r"\*\*(.*)\*\*", text)
    assert titles[:5] == ["Localisation", "Retrieval", "Zero-shot direction", "Editing", "Sector after editing"]
    assert titles[5:] == [
        "Controls",
        "Leakage: what",
        "Leakage: where",
        "Confidence",
        "Confidence by condition",
        "Direction in other words",
        "Which sound is where",
        "Beyond direction",
    ]
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(blocks) == len(titles)
    for block in blocks:
        header, rule, *rows = (re.sub(r"\\\|", "", line) for line in block.splitlines())
        assert {row.count("|") for row in rows} == {header.count("|")} == {rule.count("|")}
    assert "|  | mean ° | median ° | p90 ° | sector % | core % |" in text
    assert "| oracle | 123 [98.6–140] |" in text
    assert "43.2 [37.6–100]" in text


def tables(latex: str) -> list[list[str]]:
    """Lines of each tabular between its rules; raises where the parts do not match."""
    assert latex.count(r"\begin{table") == latex.count(r"\end{table") > 0
    found = re.findall(
        r"\\begin\{tabular\}\{([^\n]*)\}\n\\toprule\n(.*?)\\bottomrule\n\\end\{tabular\}", latex, re.DOTALL
    )
    assert len(found) == latex.count(r"\begin{tabular}")
    bodies = []
    for columns, body in found:
        lines = [line for line in body.splitlines() if line != r"\midrule"]
        count = len(re.findall(r"p\{|(?<![a-z\\])[lr]+(?![a-z])", columns)) if "p{" in columns else len(columns)
        cells = {len(re.findall(r"(?<!\\)&", line)) + 1 for line in lines}
        assert len(cells) == 1
        assert "p{" in columns or cells == {count}
        assert all(line.endswith(r" \\") for line in lines)
        bodies.append(lines)
    return bodies


def unescaped(latex: str) -> list[str]:
    """Characters that LaTeX would take for a command, outside of those that are meant."""
    body = re.sub(r"(?m)^%.*$", "", latex)
    body = re.sub(r"\\begin\{tabular\}\{.*\}", "", body)
    return re.findall(r"(?<!\\)[%$#_^~<>|°–“”]", body.replace("&", ""))


def test_latex_is_whole_and_escaped(report) -> None:
    report["preset"] = r"my_model & 100% #1 {x} ~^\y"
    report["rows"] = {"licence_class": "a_b"}
    latex = latex_tables(report)
    bodies = tables(latex)
    assert len(bodies) == 13
    assert unescaped(latex) == []
    assert (
        r"my\_model \& 100\% \#1 \{x\} \textasciitilde{}\textasciicircum{}\textbackslash{}y & 123 [98.6--140] &"
        in latex
    )
    assert r"& mean \textdegree{} & median \textdegree{} &" in latex
    assert "booktabs" in latex.splitlines()[1]
    assert latex.count("{") == latex.count("}")


def test_the_same_figures_in_every_format(report) -> None:
    for form, tell in FORMATS.items():
        text = tell(report).replace("--", "–")
        for said in ("123 [98.6–140]", "43.2 [37.6–100]", "81.2"):
            # In a terminal the interval stands below its figure where there is no room beside it.
            assert said in text or (form == "text" and all(part in text for part in said.split()))


def test_the_paper_s_tables_are_laid_out_as_the_paper_has_them(paper_report) -> None:
    paper_report = json.loads(json.dumps(paper_report, allow_nan=False))
    paper_report["editing"]["swap"] = None
    paper_report["not_applicable"] = {"editing.swap": "it has nothing to swap"}
    bodies = tables(latex_tables(paper_report))
    header, own, blind, *baselines = bodies[0]
    assert header.count("T2A") == header.count("A2T") == 3
    assert own.startswith("oracle & ")
    assert blind.endswith(r"& -- \\")
    assert [line.count("& --") for line in baselines] == [6, 6]
    text = markdown_tables(paper_report)
    assert re.findall(r"\*\*(Table \d)", text) == ["Table 1", "Table 1", "Table 1", "Table 2", "Table 3"]
    assert "| swap | – | – | – | – | – | – | – |" in text
    assert text.endswith("Does not apply: editing.swap: it has nothing to swap.\n")


def test_cones_are_shown_where_there_are_any(report, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "Cones that hold" not in printed(report, capsys)
    report["confidence"]["cone"] = {"covered": 0.883, "cone_deg": 3.2, "levels": {"50": 0.512, "95": 0.947}}
    bounds = {"covered": [0.871, 0.896], "cone_deg": [3.0, 3.4], "levels": {"50": [0.48, 0.53], "95": [0.93, 0.96]}}
    report["intervals"]["confidence"]["cone"] = bounds
    text = printed(report, capsys)
    rows = {
        line.rsplit("  ", 1)[0].strip(): line for line in text.split("Cones that hold one sound, %")[1].splitlines()
    }
    assert "88.3 [87.1–89.6]" in rows["90 % cone"]
    assert "51.2 [48.0–53.0]" in rows["50 % cone of a window"]
    assert "94.7 [93.0–96.0]" in rows["95 % cone of a window"]
