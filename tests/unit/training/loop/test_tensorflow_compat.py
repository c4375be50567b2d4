"""Private names of TensorFlow: an update without one of them fails here."""

from tensorflow.python.eager import context

from training.loop.tensorflow_compat import limit_registration


def test_limit_registration_sets_what_a_strategy_configures(monkeypatch):
    current = context.Context()
    monkeypatch.setattr(context, "context", lambda: current)
    limit_registration(2.5)
    current.configure_coordination_service(service_type="standalone", service_leader="/job:worker/task:0")
    configured = current.coordination_service
    assert configured.cluster_register_timeout_in_ms == 2500 and configured.service_type == "standalone"
