"""Pictures of any size: sampled propagation block by block, on one machine or a cluster."""
