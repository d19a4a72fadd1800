"""Did the drug change slow-wave sleep? Slow-wave activity and slow waves, measured and compared between nights."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
