"""How properties are looked for here: without files, and without a clock that a busy machine makes untrue."""

from hypothesis import settings

settings.register_profile("unit", database=None, deadline=None, max_examples=60)
settings.load_profile("unit")
