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
