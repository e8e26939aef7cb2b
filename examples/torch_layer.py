"""Can PyTorch train a layer of oscillators, and hand it back as settings of a bench?

Expect the loss to fall from 0.8 to below 0.001 in 30 steps of Adam, currents within their limits of ±5 mA, and a design
whose logits are those of the module within some 1e-6. Needs PyTorch: `pip install 'llgrad[torch]'`.
"""

import jax

import llgrad as lg
from llgrad.torch.library import torch  # or: import torch

torch.manual_seed(0)
torch.set_num_threads(1)  # its threads would wait where llgrad's want to work
bars = torch.rand(64, 4, 4) * 0.3
upright = torch.arange(64) % 2
for picture, label, place in zip(bars, upright, torch.randint(4, (64,)), strict=True):
    (picture[:, place] if label else picture[place]).add_(0.7)  # a bright column, or a bright row

layer = lg.torch.OscillatorLayer(lg.presets.kubota2013(), inputs=16, count=12)
model = torch.nn.Sequential(torch.nn.Flatten(1), layer, torch.nn.Linear(layer.width, 2))
rule = torch.optim.Adam(model.parameters(), lr=0.05)
for step in range(31):
    loss = torch.nn.functional.cross_entropy(model(bars), upright)
    if step % 10 == 0:
        print(f"step {step:2d}: loss {loss.item():.4f}")
    rule.zero_grad()
    loss.backward()
    rule.step()

current, limit = layer.settings()["current"], layer.layer().limits.current
print(f"currents from {1e3 * current.min():.3f} to {1e3 * current.max():.3f} mA, within ±{1e3 * limit[1]:.1f} mA")

design = lg.torch.to_design(model, shape=(4, 4), classes=["row", "column"])
with jax.enable_x64(False):  # a design computes in float32
    logits = lg.torch.to_torch(design(lg.torch.to_jax(bars)))
print(f"the design's logits are the module's within {(logits - model(bars)).abs().max():.0e}")
