"""Several engines at once: they come, fall silent, end and come again."""

from dataclasses import dataclass

from moodring.realtime.ipc.engine_feeds import EngineFeeds
from moodring.realtime.ipc.run_dir import EngineCard


@dataclass
class Feed:
    newest: object = None
    why: str = ""
    closed: bool = False

    def snapshot(self):
        return self.newest

    def why_silent(self):
        return self.why

    def close(self):
        self.closed = True


class Lab:
    """Engines of a test: cards, feeds and time."""

    def __init__(self, **options):
        self.cards, self.feeds, self.now = [], {}, 0.0
        self.engines = EngineFeeds(cards=lambda: self.cards, follow=self.follow, clock=lambda: self.now, **options)

    def follow(self, card):
        return self.feeds.setdefault(card.pid, Feed())

    def look(self, after_s=1.5):
        self.now += after_s
        return self.engines.look()


def card(name, pid, page=""):
    return EngineCard(name, pid, float(pid), "address", "00", page)


def test_engines_come_in_the_order_of_their_start_two_of_one_name_too(script):
    lab = Lab()
    lab.cards = [card("live", 30), card("live", 20)]
    assert [one.key for one in lab.look()] == ["20-20.00", "30-30.00"]
    lab.feeds[30].newest = script.snapshot_at(30.0)
    assert [one.snapshot is None for one in lab.look()] == [True, False]


def test_a_silent_engine_keeps_its_last_word_and_counts(script):
    lab = Lab()
    lab.cards = [card("a", 1)]
    lab.look()
    lab.feeds[1].newest = script.snapshot_at(30.0)
    assert not lab.look()[0].gone
    lab.feeds[1].newest, lab.feeds[1].why = None, "it does not answer"
    (one,) = lab.look(3.0)
    assert one.gone
    assert (one.snapshot.now_s, one.silent_s, one.why) == (1030.0, 3.0, "it does not answer")


def test_one_that_has_ended_stays_until_another_of_its_name_comes(script):
    lab = Lab()
    lab.cards = [card("a", 1), card("b", 2)]
    lab.look()
    lab.feeds[1].newest = script.snapshot_at(30.0, phase="ended")
    lab.cards = [card("b", 2)]
    first = lab.look()[0]
    assert first.ended
    assert not first.gone
    assert lab.feeds[1].closed
    assert lab.look(600.0)[0].ended
    lab.cards = [card("a", 3), card("b", 2)]
    assert [one.key for one in lab.look()] == ["2-2.00", "3-3.00"]


def test_one_that_was_killed_is_gone(script):
    lab = Lab()
    lab.cards = [card("a", 1)]
    lab.look()
    lab.feeds[1].newest = script.snapshot_at(30.0)
    lab.look()
    lab.cards = []
    lab.look()
    (one,) = lab.look(4.0)
    assert one.gone
    assert one.why == "its process has ended"


def test_only_what_is_wanted_is_followed():
    lab = Lab(wanted=lambda one: one.page == "p")
    lab.cards = [card("a", 1, "p"), card("b", 2)]
    assert [one.name for one in lab.look()] == ["a"]
    lab.engines.close()
    assert lab.feeds[1].closed
