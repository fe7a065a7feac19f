"""Writes the dashboards as JSON into the folder that is named."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

import errors
import health


def main() -> None:
    """The folder is the only argument."""
    folder = Path(sys.argv[1])
    for sheet in (errors.dashboard().build(), health.dashboard().build()):
        # Grafana would number panels by itself, but not the same way each time.
        for i, panel in enumerate(sheet.panels or [], start=1):
            panel.id_val = i
        text = json.dumps(sheet, cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True)
        (folder / f"{sheet.uid}.json").write_text(text + "\n", encoding="utf-8")


main()
