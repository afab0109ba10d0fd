import torch
from hypothesis import settings

# The tests' tensors are tiny. With more threads than free cores they wait for each other: 60 times slower.
torch.set_num_threads(1)

settings.register_profile("no deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no deadline")
