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
    19: "predictions_recorded 19ba89184d4fd8a768e649f475a7927c4f6aaf47ff22c832a8111ac43a838227",
    20: "experiment_defined 434bc3bdea615576ac8e1d382b5f03da93a8fa41b0abd1d3941f3fbad806ea4c",
    21: "experiment_defined 8d34f0a28a1f2d17be8f2c45bdbbb00ecd694ab5e6fafb4a7e9ab1127fa596b5",
    22: "exposures_recorded 5f15d63cfab97bd177938ab67c88919684ad3527c226b2ad6fd0670e8916f508",
    23: "exposures_recorded 892c74e658eae87dbc333c3702efccb803ce74832a3ce99e3df68514909bac79",
    24: "outcomes_recorded 4ce61fb2f3bfe73b4416e4e09f23cd4c0f8b670348952aab3af6bf5f9a40585a",
    25: "experiment_defined ead56c1b8d33db98bec9a9a6754695c45be6fd6b833da62f6f7dceb15c5a34b7",
    26: "training_set_recorded 13afc98bf64048a8f9199b7dc3e7fff2b288a82d322090b7cb5db9619705aae4",
    27: "training_set_recorded 65221b67087497a949a9ef449e216619c505f834e74ae632b436c9e00febc773",
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
