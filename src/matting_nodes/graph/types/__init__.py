"""The nodes that graphs hold beside the matting ones: one family a file.

Those with ComfyUI's ids give the pixels that ComfyUI's own nodes of these names give; they
are written from what those can be seen to do. Those without an id are ours, in every host.
"""
