import pytest

pytest.importorskip("rclpy")

from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from wvl_robot.ros import topics

pytestmark = pytest.mark.ros


def test_every_name_is_used_once() -> None:
    names = [item.name for item in (*topics.TOPICS, *topics.ENDPOINTS)]
    assert len(names) == len(set(names))


def test_the_table_lists_everything_that_is_defined() -> None:
    defined = [v for v in vars(topics).values() if isinstance(v, topics.Topic | topics.Endpoint)]
    assert len(defined) == len(topics.TOPICS) + len(topics.ENDPOINTS)


@pytest.mark.parametrize("topic", topics.TOPICS, ids=lambda topic: topic.name)
def test_no_message_expires_by_the_wall_clock(topic: topics.Topic) -> None:
    assert topic.qos.lifespan == topics.IMAGE.qos.lifespan, "DDS's lifespan follows the wall clock"


def test_an_order_is_reliable_and_not_for_latecomers() -> None:
    qos = topics.SETPOINT.qos
    assert qos.reliability == ReliabilityPolicy.RELIABLE
    assert qos.depth == 1, "only the newest order counts"
    assert qos.durability == DurabilityPolicy.VOLATILE, "nobody obeys an order from before his time"


def test_a_late_image_is_not_sent_again() -> None:
    assert topics.IMAGE.qos.reliability == ReliabilityPolicy.BEST_EFFORT


@pytest.mark.parametrize(
    "topic", [topics.POLICY_STATUS, topics.SESSION_STATUS, topics.ARM_STATUS, topics.CAMERA_INFO]
)
def test_a_late_joiner_hears_the_newest_status(topic: topics.Topic) -> None:
    assert topic.qos.durability == DurabilityPolicy.TRANSIENT_LOCAL
