from dataclasses import replace
from hypothesis import given, settings, strategies as st, event
from tests.domain.histories import History, histories
from tests.domain.ledger import Ledger
from farwork.domain.fold import refold
from farwork.domain.task import Task
from farwork.domain.shard_fold import refold_shards
from farwork.domain.facts import Opened


def play(h: History, gaps) -> Ledger:
    ledger = Ledger()
    for (i, gap) in enumerate(gaps):
        last = h.acts[i-1][0] if i else -10_000_000
        for k, r in enumerate(gap):
            ledger.give(r, last + 1 + k)
        if i < len(h.acts):
            at, act = h.acts[i]
            if ledger.task is None and i and False: continue
            ledger.give(act, at)
    return ledger

def comparable(t):
    return None if t is None else replace(t, pk=0, created_at=0, updated_at=0, version=0)

def same(a: Ledger, b: Ledger):
    assert comparable(a.task) == comparable(b.task)
    assert a.metadata == b.metadata
    ca = {i: replace(s, created_at=0, updated_at=s.updated_at if s.mark else 0) for i, s in a.shards.items()}
    cb = {i: replace(s, created_at=0, updated_at=s.updated_at if s.mark else 0) for i, s in b.shards.items()}
    assert ca == cb
    assert a.shard_results == b.shard_results
    assert a.results == b.results

@given(histories(), st.data())
@settings(max_examples=1500)
def test_permute(h, data):
    gaps = [data.draw(st.permutations(g)) for g in h.gaps]
    a = play(h, h.gaps)
    b = play(h, gaps)
    same(a, b)

@given(histories())
@settings(max_examples=1500)
def test_refold(h):
    a = play(h, h.gaps)
    if a.task is None: return
    facts = a.facts
    t = a.task.draft()
    shards, tally = refold_shards(facts, a.shards, 0)
    t.shards = tally if shards else None
    assert shards == a.shards
    refold(t, facts)
    assert t == a.task
