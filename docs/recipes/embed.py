"""Features and embedding of image files, from the graph that `ordo export RUN --onnx FILE` writes.

    pip install onnxruntime pillow
    python3 embed.py photos.onnx a.jpg b.jpg      # a JSON object a line

The graph takes decoded pixels of any size and does all else.
"""
import json
import sys

import numpy
import onnxruntime
from PIL import Image, ImageOps

net = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
names = [output.name for output in net.get_outputs()]
for file in sys.argv[2:]:
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    rows = net.run(names, {"pixels": numpy.asarray(image)[None]})  # uint8 [1, height, width, 3]
    print(json.dumps({"file": file} | {name: row[0].tolist() for name, row in zip(names, rows)}))
