"""Going through the list."""

from collections.abc import Collection

from wvl_robot.core.review.round import Round


def first_of(names: str, seen: Collection[str]) -> str | None:
    return next((name for name in names if name not in seen), None)


def test_all_are_offered_before_one_comes_again() -> None:
    tour, here, offered = Round(), "", ""
    for _ in range(5):
        here = tour.next(here, lambda seen: first_of("abc", seen)) or "?"
        offered += here
    assert offered == "abcab"


def test_the_only_one_is_not_offered_while_it_is_open() -> None:
    tour = Round()
    assert tour.next("", lambda seen: first_of("a", seen)) == "a"
    assert tour.next("a", lambda seen: first_of("a", seen)) is None


def test_a_forgotten_one_is_offered_in_the_same_round() -> None:
    tour = Round()
    tour.next("a", lambda seen: first_of("abc", seen))
    tour.forget("a")
    assert tour.next("b", lambda seen: first_of("abc", seen)) == "a"
