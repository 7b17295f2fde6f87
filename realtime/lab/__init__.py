"""Before a session: what is there, whether it fits, enrolment, and the devices' delays."""
