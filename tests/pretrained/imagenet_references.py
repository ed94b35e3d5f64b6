"""torchvision's classifiers in plain PyTorch, by their papers, with the names of torchvision's weights."""

import torch
from torch import nn


def randomised(module, seed=0):
    """Random weights and statistics: fresh ones are 0 and 1, which hides a swap of any two of them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            noise = torch.randn(weight.shape, generator=generator)
            if name.endswith("running_var"):
                weight.copy_(0.5 + noise.abs())
            elif weight.ndim > 1 and not name.endswith("layer_scale"):
                weight.copy_(noise * (1.5 / weight[0].numel()) ** 0.5)
            else:
                weight.add_(0.2 * noise)
    return module.eval()


class Residual(nn.Module):
    """A block of He et al., with the stride in the convolution of 3 x 3."""

    def __init__(self, before, width, bottleneck, stride):
        super().__init__()
        after = 4 * width if bottleneck else width
        sizes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        sizes = sizes if bottleneck else [(before, width, 3, stride), (width, width, 3, 1)]
        self.number = len(sizes)
        for place, (inside, outside, side, step) in enumerate(sizes, 1):
            setattr(self, f"conv{place}", nn.Conv2d(inside, outside, side, step, side // 2, bias=False))
            setattr(self, f"bn{place}", nn.BatchNorm2d(outside))
        if stride > 1 or before != after:
            shortcut = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(after))

    def forward(self, x):
        y = x
        for place in range(1, self.number + 1):
            y = getattr(self, f"bn{place}")(getattr(self, f"conv{place}")(y))
            y = torch.relu(y) if place < self.number else y
        return torch.relu(y + (self.downsample(x) if hasattr(self, "downsample") else x))


class ResNet(nn.Module):
    def __init__(self, layers, bottleneck, width, classes):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        before = width
        for stage, number in enumerate(layers):
            blocks = []
            for block in range(number):
                blocks.append(Residual(before, width * 2**stage, bottleneck, 2 if stage and not block else 1))
                before = width * 2**stage * (4 if bottleneck else 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.stages, self.fc = len(layers), nn.Linear(before, classes)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class Plain(nn.Module):
    """AlexNet or VGG; the adaptive pool is torchvision's."""

    def __init__(self, features, places, channels, hidden, classes, dropout_first):
        super().__init__()
        self.features, self.avgpool = nn.Sequential(*features), nn.AdaptiveAvgPool2d(places)
        first = [nn.Linear(channels * places**2, hidden), nn.ReLU()]
        second = [nn.Linear(hidden, hidden), nn.ReLU()]
        head = nn.Linear(hidden, classes)
        layers = (
            [nn.Dropout(), *first, nn.Dropout(), *second, head]
            if dropout_first
            else [*first, nn.Dropout(), *second, nn.Dropout(), head]
        )
        self.classifier = nn.Sequential(*layers)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def vgg(numbers, width, hidden, classes):
    features, before = [], 3
    for part, number in enumerate(numbers):
        for _ in range(number):
            after = width * 2 ** min(part, 3)
            features += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
            before = after
        features.append(nn.MaxPool2d(2, 2))
    return lambda places: Plain(features, places, before, hidden, classes, dropout_first=False)


def alexnet(widths, hidden, classes, places):
    first, second, third, fourth, fifth = widths
    features = [
        *(nn.Conv2d(3, first, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(first, second, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(second, third, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(third, fourth, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(fourth, fifth, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
    ]
    return Plain(features, places, fifth, hidden, classes, dropout_first=True)


class EncoderBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(width, heads, batch_first=True)
        dropout = nn.Dropout(0.0)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), dropout, nn.Linear(4 * width, width), dropout)

    def forward(self, x):
        normed = self.ln_1(x)
        x = x + self.self_attention(normed, normed, normed, need_weights=False)[0]
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    def __init__(self, width, layers, heads, patch, side, classes):
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.conv_proj = nn.Conv2d(3, width, patch, patch)
        self.encoder = nn.Module()
        self.encoder.pos_embedding = nn.Parameter(torch.zeros(1, (side // patch) ** 2 + 1, width))
        self.encoder.layers = nn.ModuleDict({f"encoder_layer_{n}": EncoderBlock(width, heads) for n in range(layers)})
        self.encoder.ln = nn.LayerNorm(width, eps=1e-6)
        self.heads = nn.ModuleDict({"head": nn.Linear(width, classes)})

    def forward(self, x):
        tokens = self.conv_proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(len(x), -1, -1), tokens], 1) + self.encoder.pos_embedding
        for block in self.encoder.layers.values():
            x = block(x)
        return self.heads["head"](self.encoder.ln(x)[:, 0])


class Turn(nn.Module):
    """Channels to the end, or back."""

    def __init__(self, *order):
        super().__init__()
        self.order = order

    def forward(self, x):
        return x.permute(self.order)


class ChannelNorm(nn.LayerNorm):
    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.block = nn.Sequential(
            *(nn.Conv2d(width, width, 7, padding=3, groups=width), Turn(0, 2, 3, 1), nn.LayerNorm(width, eps=1e-6)),
            *(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), Turn(0, 3, 1, 2)),
        )
        self.layer_scale = nn.Parameter(torch.zeros(width, 1, 1))

    def forward(self, x):
        return x + self.layer_scale * self.block(x)


class ConvNeXt(nn.Module):
    def __init__(self, layers, width, classes):
        super().__init__()
        features = [nn.Sequential(nn.Conv2d(3, width, 4, 4), ChannelNorm(width, eps=1e-6))]
        for stage, number in enumerate(layers):
            if stage:
                halving = nn.Conv2d(width, 2 * width, 2, 2)
                features.append(nn.Sequential(ChannelNorm(width, eps=1e-6), halving))
                width *= 2
            features.append(nn.Sequential(*(ConvNeXtBlock(width) for _ in range(number))))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(ChannelNorm(width, eps=1e-6), nn.Flatten(1), nn.Linear(width, classes))

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3), keepdim=True))
