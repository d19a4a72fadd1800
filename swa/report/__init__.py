"""Tables become pictures and pages: one page for each subject, one for the study."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["figures"])
