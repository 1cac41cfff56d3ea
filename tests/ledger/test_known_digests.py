"""The stored form never changes silently: a fixed ledger has these digests for ever.

A digest that changes here means that ledgers written before can no longer be read as they were.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger import spans_of
from tests.ledger.stored import every_fact

LOG = every_fact()
HEADER = "f51bf6b4d7a8baf015377e2c65b68f346b90312507520354ec1f32eb358a6eee"
DIGESTS = {
    1: "view_defined a4f62e2c9ba105585021c8bba2ce7c2d4acfa2f6830df25c9bb7ccd707b987b4",
    2: "view_defined 0fdf7461ec2e0ac95cfe9a633a1a4cfc2f0bb4c4632cf1fe57fab6b7de4a1fa4",
    3: "row_put 706b3f1f77776de0f0ee169776f00ad9a12d1505211af12ab3ba100079ab4639",
    4: "row_put 439643e86f806fb5aa6d551c3b3539f128226345b3388c0e6943c6d46544e991",
    5: "row_put bf9b914459b5585b514664990c9718c429b70d2dbe569e3753abfcd13c0a4fea",
    6: "entity_deleted cc02ec3ccb3cec34b92981ffbb3ec7bfdfb1b15e048c8f0983ba6c7e679bf7b3",
    7: "rows_put 63830554b4c83e7c120206eff3d53c492ad28fed6875f82acddeddcfb84f9e24",
    8: "rows_put 73b77e8dd6b8b19a7546adbbf6ba7bf754e459ec9b49e6e5de5295c14caa0dac",
    9: "rows_put 19e36a94e617f27fb5384bf503559e06de0c05d88b4fd96e152250a03cd292af",
    10: "transaction_committed dd435f56d5736bfd55b9ed36a15abc56aef8e439b27942c0d8b7c19da75af50d",
    11: "service_defined f22c145299a9783201c9e73b8bbce195608ca1b30b7fb3ff94a76ba2424b2a60",
    12: "model_defined 2cbbfb77108bdeacb33a8ee47dfc650b2e136eff15f08cce1fe329ce9db7f8e4",
    13: "predictions_recorded 8fb817e9c2820710f1c5daa0c4e685eb4b74417033b36b9ce2a146e2d92432be",
    14: "log_marked 41326e55b6a758d4063e9d8fee8f55ace197341cd2346b475e2e65c4d6431c02",
    15: "view_defined 20f3e4ebf33c91ec09cbaea646d9568c9146b64fd4ef526cee3a7171f2c0c95b",
    16: "service_defined 71ba7cc8f6efd4eab7ac630a0845dca97ac8c141e562b4e8227e135c6becf80c",
    17: "pipeline_fitted 1833ab5bfe187a58b30625f398963edbc677afb6b3912ce78a3011c7843b8e8e",
    18: "service_defined 52907bf52f4830661311261046315c1f49f191cd7cfc809c67c88d1cd5e690f3",
    19: "predictions_recorded 613bbda97639cce1e9398b9bd0465ec36840bf69ca9bdd6886ee0b5ac5ccc320",
    20: "experiment_defined b769f89935c334460fd4d4c323b92359f0ef649bda45d1a3a2551421e5ffe688",
    21: "experiment_defined ce96d3782e02b220d0a1d97074867399d1c22be9412276af7e5a36b1909cf44a",
    22: "exposures_recorded 2cb2a0f11ae8cbae393e37949c2c163e5695c5d13c4c285e5af2317c720d508a",
    23: "exposures_recorded 0adb94c39e6cd7e1c16d5daf18416826533f48a0ac8b06270ee73a089792f3cd",
    24: "outcomes_recorded 7f176f166fda97d1ab9609359a61d132863a6e9c473c498c93468d12bb672457",
    25: "experiment_defined e6e9596f1958b636c78a79c3b4f518b2ff2a49b080b902d9e053da951a27d83d",
}


def test_the_header_has_its_known_digest() -> None:
    assert LOG.header.digest.hex() == HEADER


@pytest.mark.parametrize("offset", range(1, LOG.head + 1))
def test_each_event_has_its_known_digest(offset: int) -> None:
    event = LOG.event(offset)
    assert f"{event.type} {event.digest}" == DIGESTS[offset], LOG.body(offset).decode()


def test_the_digests_follow_the_documented_rule() -> None:
    previous = sha256(b"\0" + LOG.header.body()).digest()
    for offset in range(1, LOG.head + 1):
        previous = sha256(b"\0" + bytes.fromhex(LOG.header.ledger_id) + previous + LOG.body(offset)).digest()
        assert LOG.digest(offset) == previous
    assert len(spans_of(LOG.header)) == 1
