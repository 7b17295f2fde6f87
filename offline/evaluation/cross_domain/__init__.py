"""Evaluation of joint cross-domain learning beside single sets, people apart, and beside the published figures."""
