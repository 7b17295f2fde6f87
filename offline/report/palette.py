"""Colours of the report: for paper and for colour-blind readers (Okabe and Ito 2008), legible in grey."""

INK = "#1c2430"
SOFT = "#5b6675"
FAINT = "#c9d1da"
GRID = "#e6eaef"
SHOWN = "#f4f1e8"
"""Behind the time in which a stimulus was shown."""
ESTIMATE = "#0072b2"
SPREAD = "#bcdcf0"
TRUTH = "#1c2430"
RATING = "#d55e00"
BANDS = {"theta": "#6a51a3", "alpha": "#0072b2", "beta": "#e69f00"}
HEALTH = {"good": "#58b99d", "warn": "#f0c34e", "bad": "#d55e00", "idle": "#d9dee4"}
FAMILY = "Inter, 'Segoe UI', 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans', Arial, sans-serif"
