"""DDS participant of a process that takes the place of a killed one.

Fast DDS gives it the participant id of the dead one, and with it the same shared-memory ports. Who
had one open when the other died may write to the old one for ever (eProsima/Fast-DDS#5053, #5469):
after 1 of about 10 kills the new policy was not heard, or heard nobody. With another id its ports
are new to everybody.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from wvl_robot.environment import PROFILE_VARIABLES, chosen_profile

TRIAL_IDS, RESPAWN_IDS = range(12, 22), range(22, 32)
"""They take turns, for what a trial of the fault plan starts anew and for what `wvl_robot.respawn`
does. Above those that the nodes of a graph get; discovery within a machine looks no further than 31
(rmw_fastrtps with LOCALHOST: two participants with ids from 32 on did not find each other)."""


def as_participant(
    environment: Mapping[str, str], participant_id: int, folder: Path
) -> dict[str, str]:
    """The environment with a profile of its own in `folder`, its participant's id chosen.

    As it is where no profile is named, or where one says nothing about a participant or its id.
    """
    profile = chosen_profile(environment)
    if profile is None or not Path(profile).is_file():
        return dict(environment)
    text = Path(profile).read_text(encoding="utf-8")
    if "<participantID>" in text or "<rtps>" not in text:
        return dict(environment)
    chosen = f"<rtps>\n      <participantID>{participant_id}</participantID>"
    path = folder / f"participant_{participant_id}.xml"
    path.write_text(re.sub("<rtps>", chosen, text, count=1), encoding="utf-8")
    return {**environment, **dict.fromkeys(PROFILE_VARIABLES, str(path))}
