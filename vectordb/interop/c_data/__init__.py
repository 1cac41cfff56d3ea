"""C data: columns and blocks in the layouts of Arrow's C data interface and of DLPack, on the way out and in.

Out: ``column`` (what lies where), ``structs`` and ``lifetime`` (by ctypes, and who holds what), ``export`` and
``tensor``, or ``native`` where pyarrow and NumPy are loaded; ``capsules`` chooses. In: ``foreign``, then ``decoding``.
"""

__all__: list[str] = []
