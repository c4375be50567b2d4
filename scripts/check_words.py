"""Find turns of phrase that readers stumble over: `python scripts/check_words.py [FILE …]`, part of `make lint`.

Without arguments, every text file that git tracks is read. A line that needs one of these words ends in the comment
`words: ok`. Spelling is left to codespell.
"""

import re
import subprocess
import sys
from pathlib import Path

SUFFIXES = {".py", ".md", ".ipynb", ".toml", ".js", ".css", ".yml", ".yaml", ".json", ".txt", ".cff", ".html"}
# Figures of past runs are kept as they were printed; the model's reports and card come from a run.
SKIPPED = (
    "benchmarks/RESULTS.md",
    "benchmarks/accuracy.json",
    "benchmarks/ablation.json",
    "model/pretrained/",
    "tests/data/",
)
ALLOWED = "words: ok"
# Pattern -> what to write instead.
BANNED = {
    r"\btold\b": "reported, said",
    r"\b(goes|go|went|going) on\b": "continues, resumes",
    r"\bbeside\b": "next to, compared with",
    r"\bof (its|their|one's) own\b": "its own, separate",
    r"\bin place of\b": "instead of",
    r"\banew\b": "again",
    r"\bfor want of\b": "for lack of",
    r"\b(who|what|which)(so)?ever\b": "anyone who, everything that, any",
    r"\bheed\b": "follow",
    r"\bbegun\b": "started",
    r"\bmend(s|ed)?\b": "fix",
    r"\bsays so\b": "reports it",
    r"\bis no [a-z]+\b(?<!is no longer)(?<!is no such)(?<!is no more)": "is not a …",
    r"\bstrangers?'?s?\b": "other people, untrusted",
    r"\btime-outs?\b": "timeout",
    r"\bfor ever\b": "forever",
    r"\bas ever\b": "as usual",
    r"\bto be had\b": "available",
    r"\bpictures?\b(?![\"`]?:)": "image",  # `picture:` is a parameter of the demo's API
    r"(?-i:\b(LEAST|MOST|LARGEST|LONGEST|FEWEST)(_[A-Z]|\b))": "MIN_, MAX_",
    r"\bhang(s)? on\b": "depends on",
    r"\bwith one another\b": "together",
    r"Raises:\n\s+\w+: so\.": "the condition",
    r"\b(binary|multiclass|regression) problems?\b": "task",
    r"\bwhat (becomes|became) of\b": "what happens to",
    r"\bhow long was\b": "how long … took",
    r"\btells? (more|less)\b": "shows more, shows less",
    r"\bnetworks? (said|says)\b": "answered, answers",
    r"\bfurther datasets?\b": "other datasets",
}
# The same for Spanish pages: one word per thing.
BANNED_IN_SPANISH = {
    r"\bcomandos?\b": "orden",
    r"\b(la|las|una|unas|esta|tu) demos?\b": "demostración",
    r"\bpuntuaciones\b": "resultados",
    r"\b(mejor(es)?|cada|otras) \W*pruebas?\b": "ensayo",
    r"\bcifras? (del 0 al 9|escritas?|dibujadas?|más frecuente)\b": "dígito",
}
PATTERNS, SPANISH_PATTERNS = (
    {re.compile(pattern, re.IGNORECASE): advice for pattern, advice in banned.items()}
    for banned in (BANNED, BANNED_IN_SPANISH)
)


def find(path: Path) -> list[str]:
    """Return one message per line of a file that holds a banned turn."""
    patterns = PATTERNS | SPANISH_PATTERNS if re.search(r"\bes\.(md|ipynb|json)$", path.name) else PATTERNS
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if ALLOWED in line:
            continue
        for pattern, advice in patterns.items():
            if match := pattern.search(line):
                found.append(f"{path}:{number}: {match.group(0)!r}: write instead {advice}")
    return found


def tracked() -> list[Path]:
    """Return the text files that git tracks."""
    names = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.splitlines()
    this = Path(__file__).name
    return [Path(n) for n in names if Path(n).suffix in SUFFIXES and not n.startswith(SKIPPED) and Path(n).name != this]


def main(arguments: list[str]) -> int:
    """Print what was found; return 1 if there is anything."""
    files = [Path(name) for name in arguments] or tracked()
    found = [message for path in files if path.exists() for message in find(path)]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # a console may lack characters
    sys.exit(main(sys.argv[1:]))
