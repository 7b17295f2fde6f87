"""Schemas of systems from papers, evaluated beside the published figures."""
