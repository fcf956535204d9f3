"""Small networks for the tests of Lie derivatives, in double precision."""

import torch
import torch.nn.functional as F
from torch import nn

CLASSES = 5
PIXELS = 16


class Residual(nn.Module):
    """A convolutional network that does much outside its modules, and some in place."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.readout = nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)), inplace=True)
        x = F.max_pool2d(x, 2)
        y = self.second(x)
        y += x
        y.mul_(0.5)  # the result is not used, the tensor is
        y[:, :2] = y[:, 2:4] - y[:, :2]
        y = self.down(y.tanh())
        return self.readout(y.mean(dim=(2, 3))).softmax(dim=-1)


class Attending(nn.Module):
    """A transformer with a class token, learnt positions, and both of torch's fused attentions."""

    def __init__(self, width=8):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.class_token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, (PIXELS // 4) ** 2 + 1, width))
        self.block = nn.TransformerEncoderLayer(
            width, 2, 2 * width, batch_first=True, norm_first=True, activation="gelu"
        )
        self.qkv = nn.Linear(width, 3 * width)
        self.readout = nn.Linear(width, CLASSES)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), tokens], dim=1)
        tokens = self.block(tokens + self.positions)
        q, k, v = self.qkv(tokens).chunk(3, dim=-1)
        tokens = tokens + F.scaled_dot_product_attention(q, k, v)
        return self.readout(tokens[:, 0])


class Mixing(nn.Module):
    """Tokens that are mixed by a linear map, then averaged."""

    def __init__(self, width=6):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.tokens = nn.Sequential(nn.Linear(16, 10), nn.SiLU(), nn.Linear(10, 16))
        self.channels = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.readout = nn.Linear(width, CLASSES)

    def forward(self, x):
        x = self.patches(x).permute(0, 2, 3, 1).reshape(len(x), 16, -1)
        x = x + self.tokens(x.mT).mT
        return self.readout((x + self.channels(x)).mean(1))


NETWORKS = {"residual": Residual, "attending": Attending, "mixing": Mixing}


def network(name):
    torch.manual_seed(3)
    return NETWORKS[name]().double().eval()


def images(count=3, pixels=PIXELS, seed=0, channels=3):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(count, channels, pixels, pixels, generator=rng, dtype=torch.float64)
