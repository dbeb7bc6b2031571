"""Heart rates that wearables give, instead of those of an ECG."""

from painlit.signals.heart_rates.reading import read_heart_rates
from painlit.signals.heart_rates.series import HeartRates

__all__ = ["HeartRates", "read_heart_rates"]
