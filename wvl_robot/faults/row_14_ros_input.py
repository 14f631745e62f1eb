"""Row 14, input through ROS: parameters of nodes, their files, and requests to the session.

A trial is a search of 25 inputs. Parameters go through what reads them before a node starts, and
requests into the handlers of a real session node in this process, past the middleware. Its loop
runs; it has no camera, so `start` goes as far as the question whether all is ready.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from hypothesis import strategies as st

from wvl_models.contract.errors import WvlError
from wvl_models.contract.task import load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.faults.promise import promise
from wvl_robot.faults.row_14_input import (
    TEXT,
    input_row,
    new_store,
    require_untouched,
    search,
)
from wvl_robot.faults.sample_store import contents
from wvl_robot.faults.trial import FaultRow
from wvl_robot.share import share_folder

VALUES = TEXT | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans()
"""What a parameter can hold, but for lists."""


def _try_parameters(seed: int, folder: Path) -> None:
    from wvl_robot.ros import params
    from wvl_robot.ros.param_files import FLAG, KEY, check_names, read_sources
    from wvl_robot.ros.rig import load_rig_of

    kinds = [*params.NodeParams.__subclasses__(), *params.RigParams.__subclasses__()]
    names = sorted({name for kind in kinds for name in kind.model_fields})
    path = folder / "node.yaml"

    def configure(given: tuple[type[params.NodeParams], dict[str, Any], str]) -> None:
        kind, values, text = given
        block = {"node": {KEY: values}}
        path.write_text(text or yaml.safe_dump(block), encoding="utf-8")
        with contextlib.suppress(WvlError):
            sources = read_sources([FLAG, str(path)], "node")
            check_names(sources, list(kind.model_fields), "node")
        with contextlib.suppress(WvlError):
            read = params.read(kind, values, "a trial")
            _require_declared(read, values)
            if isinstance(read, params.RigParams):
                load_rig_of(read)
            load_task(share_folder(), str(values.get("task", "lift_cube")))

    file = st.just("") | TEXT | st.sampled_from(["node: 1", f"node: {{{KEY}: [1]}}", "a: [", "!!x"])
    values = st.dictionaries(st.sampled_from(names) | TEXT, VALUES, max_size=4)
    search(seed, configure, st.tuples(st.sampled_from(kinds), values, file))
    strangers = sorted(found.name for found in folder.iterdir() if found != path)
    promise(not strangers, f"reading parameters wrote {strangers}")


def _require_declared(read: Any, values: Mapping[str, Any]) -> None:
    """What was taken is of its kind and in its range (Any: parameters of any node)."""
    for name, field in type(read).model_fields.items():
        value = getattr(read, name)
        choices = get_args(field.annotation) if get_origin(field.annotation) else ()
        promise(not choices or value in choices, f"{name} is {value!r}, given {values}")
        for limit in field.metadata:
            low, high = getattr(limit, "ge", value), getattr(limit, "le", value)
            promise(low <= value <= high, f"{name} is {value!r}, given {values}")


def _try_requests(seed: int, folder: Path) -> None:
    from wvl_interfaces import srv

    root = new_store(folder, seed)
    before = contents(root)["a"]
    steps = st.lists(st.integers(0, 5) | st.integers(0, 2**32 - 1), max_size=3)
    outcome = st.sampled_from(["", "success", "near_success", "failure", "aborted"]) | TEXT
    requests = {
        "start": st.builds(
            srv.StartEpisode.Request,
            task=st.just("") | TEXT,
            has_seed=st.booleans(),
            seed=st.integers(0, 2**64 - 1),
            max_steps=st.integers(0, 2**32 - 1),
            notes=TEXT,
        ),
        "stop": st.builds(srv.StopEpisode.Request, discard=st.booleans(), outcome=outcome),
        "label": st.builds(
            srv.LabelEpisode.Request,
            episode_id=st.just("a") | TEXT,
            outcome=outcome,
            success_starts=steps,
            success_ends=steps,
            author=TEXT,
            confidence=st.floats(0.0, 1.0) | st.floats(),
            notes=TEXT,
        ),
        "clear_fault": st.none(),
    }
    with _session(root) as front:

        def ask(given: tuple[str, Any]) -> None:
            store = EpisodeStore(root)
            num_labels = len(store.labels.history("a"))
            is_done = _is_done(getattr(front, given[0]), given[1])
            num_new = len(store.labels.history("a")) - num_labels
            promise(num_new <= int(is_done and given[0] == "label"), f"{num_new} labels: {given}")

        each = [st.tuples(st.just(name), request) for name, request in requests.items()]
        search(seed, ask, st.one_of(each))
    promise(contents(root)["a"].content == before.content, "a request changed the episode")
    promise(sorted(contents(root)) == ["a"], "a request made an episode")
    require_untouched(folder)


def _is_done(handler: Callable[[Any], object], request: Any) -> bool:
    """Whether the request was granted; what is no WvlError would have ended the node."""
    try:
        handler(request)
    except WvlError as error:
        promise(bool(str(error)), "refused without a sentence")
        return False
    return True


@contextlib.contextmanager
def _session(root: Path) -> Iterator[Any]:
    """The front of a session node whose loop runs (Any: a class of the ROS room)."""
    import rclpy
    from rclpy.context import Context

    from wvl_robot.ros.host import Ending, Host
    from wvl_robot.ros.live_lab import free_domain
    from wvl_robot.ros.params import SessionParams
    from wvl_robot.ros.rig import load_rig_of
    from wvl_robot.ros.session_node import SessionFront, open_store
    from wvl_robot.ros.session_setup import Setup

    params = SessionParams(store=str(root))
    share, rig = load_rig_of(params)
    setup = Setup(share=share, rig=rig, task=load_task(share, params.task), params=params)
    context = Context()
    rclpy.init(context=context, domain_id=free_domain())
    ending = Ending()
    node = rclpy.create_node(f"wvl_trial_{os.getpid()}", context=context)
    host = Host(node, ending)
    try:
        with open_store(root) as store:
            front = SessionFront(host, setup, store)
            host.at_end(front.close)
            host.thread(lambda: front.session.run(host.stop), "session")
            yield front
            host.close()
    finally:
        node.destroy_node()
        context.shutdown()


def open_row() -> FaultRow:
    """See `rows`."""
    return input_row(
        "input through ROS",
        "refused by a WvlError in a sentence, or done; nothing changed that was not asked for, "
        "nothing outside the store",
        {"node parameters": _try_parameters, "service requests": _try_requests},
    )
