"""Where networks live: the catalog, their weights on disk, and the devices they run on."""

from ._devices import available_devices, torch_device
from ._folder import model_folder, search_folders

__all__ = ["available_devices", "model_folder", "search_folders", "torch_device"]
