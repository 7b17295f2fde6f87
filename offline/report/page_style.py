"""Style of the page: light, one column, the same on a screen and on paper."""

from . import palette

STYLE = f"""
:root {{ color-scheme: light; }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 28px 32px 48px; max-width: 960px; background: #ffffff; color: {palette.INK};
  font: 14px/1.5 {palette.FAMILY}; -webkit-print-color-adjust: exact; print-color-adjust: exact; }}
h1 {{ font-size: 26px; line-height: 1.2; margin: 0 0 2px; font-weight: 650; letter-spacing: -0.01em; }}
h2 {{ font-size: 16px; margin: 34px 0 6px; padding-top: 12px; border-top: 1px solid {palette.FAINT};
  font-weight: 650; }}
h3 {{ font-size: 13px; margin: 14px 0 2px; font-weight: 600; }}
p {{ margin: 4px 0 8px; }}
.soft {{ color: {palette.SOFT}; }}
.lead {{ color: {palette.SOFT}; margin: 0 0 14px; }}
.facts {{ display: grid; grid-template-columns: max-content 1fr max-content 1fr; gap: 3px 18px; margin: 12px 0; }}
.facts dt {{ color: {palette.SOFT}; }}
.facts dd {{ margin: 0; overflow-wrap: anywhere; }}
.tiles {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(128px, 1fr)); gap: 10px; margin: 16px 0 6px; }}
.tile {{ border: 1px solid {palette.FAINT}; border-radius: 8px; padding: 9px 12px 8px; }}
.tile b {{ display: block; font-size: 21px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }}
.tile span {{ color: {palette.SOFT}; font-size: 12px; }}
.warn {{ border-left: 4px solid {palette.HEALTH["warn"]}; background: #fdf8e8; padding: 8px 12px; margin: 12px 0; }}
.warn ul {{ margin: 0; padding-left: 18px; }}
.warn li {{ overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; width: 100%; margin: 6px 0 10px; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid {palette.GRID}; vertical-align: top; }}
th {{ color: {palette.SOFT}; font-weight: 500; font-size: 12px; }}
td {{ overflow-wrap: anywhere; }}
.number {{ text-align: right; white-space: nowrap; }}
figure {{ margin: 6px 0 8px; break-inside: avoid; }}
svg {{ display: block; width: 100%; height: auto; }}
.key {{ display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 12px; color: {palette.SOFT}; margin: 2px 0 6px;
  break-inside: avoid; break-after: avoid; }}
.key i {{ display: inline-block; width: 18px; height: 10px; margin-right: 6px; border-radius: 2px; }}
.frames {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(124px, 1fr)); gap: 12px; }}
.frames figure {{ margin: 0; font-size: 12px; color: {palette.SOFT}; line-height: 1.35; }}
.frames img {{ width: 100%; border-radius: 6px; display: block; margin-bottom: 3px; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere;
  font: 11.5px/1.45 "SF Mono", Consolas, "DejaVu Sans Mono", monospace;
  background: #f7f8fa; border: 1px solid {palette.GRID}; border-radius: 6px; padding: 10px 12px; columns: 2;
  column-gap: 28px; }}
code {{ font: 12px "SF Mono", Consolas, "DejaVu Sans Mono", monospace; }}
footer {{ margin-top: 34px; padding-top: 10px; border-top: 1px solid {palette.FAINT}; color: {palette.SOFT};
  font-size: 12px; }}
@media (max-width: 640px) {{ body {{ padding: 16px; }} .facts {{ grid-template-columns: max-content 1fr; }}
  pre {{ columns: 1; }} }}
@page {{ size: A4; margin: 14mm 13mm; }}
@media print {{
  body {{ max-width: none; padding: 0; font-size: 11px; }}
  h1 {{ font-size: 21px; }} h2 {{ font-size: 13.5px; margin-top: 20px; break-after: avoid; }}
  h3 {{ break-after: avoid; }}
  tr, .tile, .kept, .warn li {{ break-inside: avoid; }}
  .frames, .tiles {{ grid-template-columns: repeat(6, 1fr); }}
  .tile b {{ font-size: 16px; }} .tile span {{ font-size: 10px; }}
}}
"""
