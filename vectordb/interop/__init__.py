"""Exchange with other libraries, without importing any: Arrow PyCapsules, DLPack, array interfaces, framework shapes.

Out: ``FeatureMatrix``, ``TransformedMatrix``, ``TrainingSet``, ``Hits``, ``History``, ``Events``, ``View`` and
``Table`` are tables (``__arrow_c_stream__``); ``Dense`` is an array (``__arrow_c_array__``), and the block of numbers
of a matrix is a tensor (``__dlpack__``, ``__array_interface__``). In: ``put_many``, ``load``, ``search`` and
``training_set`` take what other libraries export the same way (``taking``, ``reading``), and so do ``get_many``,
``assign_many`` and ``expose_many`` columns of ids. ``c_data`` is what lies below: the memory layouts of Arrow and
DLPack.
"""

from vectordb.interop.batches import Batches
from vectordb.interop.block import Block, Blocked
from vectordb.interop.c_data.export import address_of
from vectordb.interop.c_data.lifetime import held
from vectordb.interop.examples import Examples
from vectordb.interop.reading import read_array, read_batches, read_table
from vectordb.interop.service_transformer import ServiceTransformer
from vectordb.interop.table import Table, TableStream, Tabular
from vectordb.interop.tables import events_table, hits_table, matrix_table, versions_table
from vectordb.interop.taking import (
    given_chunks,
    given_column,
    given_columns,
    given_list,
    given_vector,
    given_vectors,
    is_table,
)

__all__ = [
    "Batches",
    "Block",
    "Blocked",
    "Examples",
    "ServiceTransformer",
    "Table",
    "TableStream",
    "Tabular",
    "address_of",
    "events_table",
    "given_chunks",
    "given_column",
    "given_columns",
    "given_list",
    "given_vector",
    "given_vectors",
    "held",
    "hits_table",
    "is_table",
    "matrix_table",
    "read_array",
    "read_batches",
    "read_table",
    "versions_table",
]
