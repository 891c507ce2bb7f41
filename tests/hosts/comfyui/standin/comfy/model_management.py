import torch


class InterruptProcessingException(BaseException):
    pass


interrupted = False
dtype = torch.float32


def intermediate_device():
    return torch.device("cpu")


def intermediate_dtype():
    return dtype


def throw_exception_if_processing_interrupted():
    if interrupted:
        raise InterruptProcessingException


# The memory manager: what is loaded, and how much of it fits.
current_loaded_models = []
torch_device = torch.device("cpu")
capacity = 1 << 40


class LoadedModel:
    def __init__(self, model):
        self.model, self.device = model, model.load_device

    def model_unload(self, memory_to_free=None):
        self.model.detach()


def get_torch_device():
    return torch_device


def unet_offload_device():
    return torch.device("cpu")


def _bytes(patcher):
    return sum(p.nbytes for p in patcher.model.parameters())


def load_models_gpu(models, memory_required=0, force_full_load=False):
    assert force_full_load, "a plain module cannot be loaded in parts"
    for patcher in models:
        if any(loaded.model is patcher for loaded in current_loaded_models):
            continue
        if sum(_bytes(m.model) for m in current_loaded_models) + _bytes(patcher) > capacity:
            raise torch.OutOfMemoryError("Allocation on device")
        patcher.model.to(patcher.load_device)
        current_loaded_models.insert(0, LoadedModel(patcher))


def free_memory(memory_required, device, keep_loaded=()):
    gone = [m for m in current_loaded_models if m.device == device and m not in keep_loaded]
    for loaded in gone:
        loaded.model_unload()
        current_loaded_models.remove(loaded)
    return gone


def soft_empty_cache(force=False):
    pass
