"""A frozen network of timm with scikit-learn's logistic regression.

    python frozen_backbone.py FOLDER SIDE SEED BACKBONE

BACKBONE is a folder in timm's layout. Images are resized to 160 pixels, as Trazo does.
"""

import json
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from datasets import load_dataset
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIDE_PX, BATCH = 160, 128
folder, _, seed, backbone = sys.argv[1:]
rows = load_dataset(folder)
config = json.loads(Path(backbone, "config.json").read_text(encoding="utf-8"))
network = timm.create_model(config["architecture"], num_classes=0).eval()
tensors = load_file(Path(backbone, "model.safetensors"))
network.load_state_dict({name: tensor for name, tensor in tensors.items() if name in network.state_dict()})
mean, std = (np.float32(config["pretrained_cfg"][name]) for name in ("mean", "std"))


def read(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return features, float32 (n, features), and labels."""
    features = []
    for batch in rows[split].iter(BATCH):
        images = [np.asarray(image.convert("RGB").resize((SIDE_PX, SIDE_PX))) for image in batch["image"]]
        scaled = (np.stack(images).astype("float32") / 255 - mean) / std
        with torch.no_grad():
            features.append(network(torch.from_numpy(scaled.transpose(0, 3, 1, 2))).numpy())
    return np.concatenate(features), np.array(rows[split]["label"])


head = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, random_state=int(seed)))
head.fit(*read("train"))
print(head.score(*read("test")))
