class ModelPatcher:
    def __init__(self, model, load_device, offload_device):
        self.model, self.load_device, self.offload_device = model, load_device, offload_device

    def detach(self, unpatch_all=True):
        return self.model.to(self.offload_device)
