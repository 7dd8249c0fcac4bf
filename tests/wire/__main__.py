"""Write the golden messages anew: `python -m tests.wire`."""

from __future__ import annotations

from tests.wire.examples import examples
from tests.wire.golden_files import FOLDER, as_text

for name, message in examples().items():
    path = FOLDER / f"{name}.json"
    path.write_text(as_text(message), encoding="utf-8")
    print(f"Written: {path.name}")
