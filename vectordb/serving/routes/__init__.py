"""Routes: the paths of an application (``paths`` lists them all) and what answers each, a module for each kind.

A route is answered by a function of a ``Call``. Of Feast's and of inference's there are further modules: what their
JSON is made of.
"""

from vectordb.serving.routes.paths import ROUTES

__all__ = ["ROUTES"]
