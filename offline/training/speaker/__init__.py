"""The background of voices that speaker enrolments are made with."""
