"""A small SSD with all that the real ones have: their names, their operations, their three ends."""

import numpy as np

from builder.tf.graph_def import Builder

HEIGHT = 33  # odd, so that SAME is not the same on both sides
WIDTH = 41
MAPS = ((9, 11, 3), (5, 6, 6))  # rows, columns, and boxes of a cell
COUNT = sum(rows * columns * boxes for rows, columns, boxes in MAPS)
CLASSES = 2  # the background among them
NAMES = {  # of the node where the priors come together, by the version of the API
    2017: "MultipleGridAnchorGenerator/Concatenate/concat",
    2018: "Concatenate/concat",
    2020: "Concatenate/concat",
}
NORMS = {2017: "plain", 2018: "FusedBatchNorm", 2020: "FusedBatchNormV3"}


def write(path, version=2018, **parts):
    """Write the SSD of a version to a file; its Builder."""
    builder = small_ssd(version, **parts)
    builder.write(path)
    return builder


def small_ssd(
    version=2018,
    priors="computed",
    suppression=True,
    classes=CLASSES,
    resize=True,
    priors_name=None,
):
    """The SSD: priors are a `constant`, `computed` in the graph or `by_map`, or None."""
    builder = Builder()
    rng = np.random.RandomState(version)
    recipe(builder, resize)
    lowest = backbone(builder, rng, NORMS[version], "AddV2" if version == 2020 else "Add")
    second = convolution(builder, rng, "FeatureExtractor/layer_2", lowest, 8, stride=2)
    second = builder.add("FeatureExtractor/layer_2/Relu6", "Relu6", [second])
    heads(builder, rng, [lowest, second], classes, version)
    priors_name = priors_name or NAMES[version]
    if priors is not None:
        write_priors(builder, priors_name, priors)
    if suppression:
        write_suppression(builder, priors_name if priors else None)
    return builder


def recipe(builder, resize):
    """The picture, made as large as the network wants it, from -1 to 1."""
    builder.add("image_tensor", "Placeholder", dtype=np.dtype("uint8"))
    picture = builder.add("ToFloat", "Cast", ["image_tensor"], DstT=np.dtype("float32"))
    if resize:
        size = np.int32([HEIGHT, WIDTH])
        picture = builder.add("Preprocessor/resize", "ResizeBilinear", [picture, size])
    factor = builder.const("Preprocessor/mul/x", np.float32(2 / 255))
    multiplied = builder.add("Preprocessor/mul", "Mul", [factor, picture])
    builder.add("Preprocessor/sub", "Sub", [multiplied, np.float32(1)])


def convolution(builder, rng, name, tensor, filters, stride=1, kernel=3, depthwise=False):
    """A convolution without what follows; channels are remembered on the builder."""
    channels = builder.channels[tensor]
    weights = rng.normal(size=(kernel, kernel, channels, filters)) / (kernel * channels**0.5)
    operator = "DepthwiseConv2dNative" if depthwise else "Conv2D"
    builder.const(f"{name}/weights", weights)
    read = builder.add(f"{name}/weights/read", "Identity", [f"{name}/weights"])
    words = {"strides": [1, stride, stride, 1], "padding": "SAME", "data_format": "NHWC"}
    builder.add(name, operator, [tensor, read], **words)
    builder.channels[name] = channels * filters if depthwise else filters
    return name


def norm(builder, rng, name, tensor, kind):
    """Batch norm of one of its kinds; in 2017 it was five operations."""
    channels = builder.channels[tensor]
    numbers = {
        "gamma": rng.uniform(0.5, 2, channels),
        "beta": rng.normal(size=channels),
        "mean": rng.normal(size=channels),
        "variance": rng.uniform(0.5, 2, channels),
    }
    names = [builder.const(f"{name}/{word}", array) for word, array in numbers.items()]
    builder.channels[name] = channels
    if kind != "plain":
        words = {"epsilon": 0.001, "is_training": False, "data_format": "NHWC"}
        return builder.add(name, kind, [tensor, *names], **words)
    gamma, beta, mean, variance = names
    moved = builder.add(f"{name}/add", "Add", [variance, np.float32(0.001)])
    root = builder.add(f"{name}/Rsqrt", "Rsqrt", [moved])
    factor = builder.add(f"{name}/mul", "Mul", [root, gamma])
    scaled = builder.add(f"{name}/mul_1", "Mul", [tensor, factor])
    shift = builder.add(f"{name}/mul_2", "Mul", [mean, factor])
    offset = builder.add(f"{name}/sub", "Sub", [beta, shift])
    return builder.add(name, "Add", [scaled, offset])


def backbone(builder, rng, kind, add):
    """Two convolutions, one of each channel alone, a shortcut, and Inception's branches."""
    words = {"padding": "SAME", "strides": [1, 1, 1, 1], "ksize": [1, 3, 3, 1]}
    first = convolution(builder, rng, "FeatureExtractor/Conv2d_0", "Preprocessor/sub", 4, stride=2)
    first = norm(builder, rng, "FeatureExtractor/Conv2d_0/BatchNorm", first, kind)
    first = builder.add("FeatureExtractor/Conv2d_0/Relu6", "Relu6", [first])
    builder.channels[first] = 4
    name = "FeatureExtractor/Conv2d_1_depthwise"
    wide = convolution(builder, rng, name, first, 2, stride=2, depthwise=True)
    wide = norm(builder, rng, f"{name}/BatchNorm", wide, kind)
    wide = builder.add(f"{name}/Relu", "Relu", [wide])
    builder.channels[wide] = 8
    narrow = convolution(builder, rng, "FeatureExtractor/project", wide, 8, kernel=1)
    added = builder.add("FeatureExtractor/add", add, [wide, narrow])
    mean = builder.add("FeatureExtractor/AvgPool", "AvgPool", [added], **words)
    highest = builder.add("FeatureExtractor/MaxPool", "MaxPool", [added], **words)
    axis = np.int32(3)
    mixed = builder.add("FeatureExtractor/concat", "ConcatV2", [mean, highest, added, axis])
    passed = builder.add("FeatureExtractor/out", "Identity", [mixed])
    builder.channels[passed] = 24
    return passed


def heads(builder, rng, maps, classes, version):
    """The heads for boxes and scores of each map, and their two concatenations.

    The oldest version takes the empty axis out before they come together, the others after.
    """
    made = {"BoxEncodingPredictor": [], "ClassPredictor": []}
    builder.channels["FeatureExtractor/layer_2/Relu6"] = 8
    for number, (tensor, (_, _, boxes)) in enumerate(zip(maps, MAPS)):
        for word, width in (("BoxEncodingPredictor", 4), ("ClassPredictor", classes)):
            name = f"BoxPredictor_{number}/{word}"
            last = convolution(builder, rng, f"{name}/Conv2D", tensor, boxes * width, kernel=1)
            bias = rng.normal(size=boxes * width)
            last = builder.add(f"{name}/BiasAdd", "BiasAdd", [last, bias], data_format="NHWC")
            shape = rows_of_head(builder, name, tensor, number, width)
            last = builder.add(f"{name}/Reshape", "Reshape", [last, shape])
            if width == 4 and version == 2017:
                last = builder.add(f"{name}/Squeeze", "Squeeze", [last], squeeze_dims=[2])
            made[word].append(last)
    axis = np.int32(1)
    together = builder.add("concat", "ConcatV2", [*made["BoxEncodingPredictor"], axis])
    if version == 2017:
        builder.add("Squeeze", "Identity", [together])
    else:
        builder.add("Squeeze", "Squeeze", [together], squeeze_dims=[2])
    builder.add("concat_1", "ConcatV2", [*made["ClassPredictor"], axis])


def rows_of_head(builder, name, tensor, number, width):
    """The shape of a head's rows: of the boxes' by the batch of the run, of the scores' fixed."""
    rows, columns, boxes = MAPS[number]
    if width != 4:
        return np.int32([1, rows * columns * boxes, width])
    shape = builder.add(f"{name}/Shape", "Shape", [tensor])
    place = [np.int32([0]), np.int32([1]), np.int32([1])]
    batch = builder.add(f"{name}/batch", "StridedSlice", [shape, *place], shrink_axis_mask=1)
    sides = [np.int32(rows * columns * boxes), np.int32(1), np.int32(width)]
    return builder.add(f"{name}/Pack", "Pack", [batch, *sides])


def plain_priors():
    """The corners y1 x1 y2 x2 of the priors, cell by cell, one at a time."""
    scales = [0.2, 0.95, 1.0]
    rows = []
    for number, (down, across, boxes) in enumerate(MAPS):
        scale = scales[number]
        shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        if boxes == 6:
            shapes = [(scale, aspect) for aspect in (1.0, 2.0, 0.5, 3.0, 0.3333)]
            shapes.append(((scale * scales[number + 1]) ** 0.5, 1.0))
        for y in range(down):
            for x in range(across):
                for size, aspect in shapes:
                    high = size / aspect**0.5 / 2
                    wide = size * aspect**0.5 / 2 * HEIGHT / WIDTH
                    row = (y + 0.5) / down
                    column = (x + 0.5) / across
                    rows.append([row - high, column - wide, row + high, column + wide])
    return np.float32(rows)


def write_priors(builder, name, how):
    """The priors as a constant, or as arithmetic on constants: that of their corners.

    By the map, it is arithmetic on the shape that a feature map has in the run, too.
    """
    corners = plain_priors()
    if how == "constant":
        builder.const(name, corners)
        return
    first = MAPS[0][0] * MAPS[0][1] * MAPS[0][2]
    halves = []
    for index, part in enumerate((corners[:first], corners[first:])):
        scope = f"MultipleGridAnchorGenerator/part_{index}"
        middle = builder.const(f"{scope}/middle", (part[:, :2] + part[:, 2:]) / 2)
        size = builder.const(f"{scope}/size", part[:, 2:] - part[:, :2])
        share = np.float32(0.5)
        if how == "by_map":
            share = share_of_cells(builder, scope)
        half = builder.add(f"{scope}/half", "Mul", [size, share])
        low = builder.add(f"{scope}/low", "Sub", [middle, half])
        high = builder.add(f"{scope}/high", "Add", [middle, half])
        whole = builder.add(f"{scope}/whole", "ConcatV2", [low, high, np.int32(1)])
        halves.append(builder.add(f"{scope}/Identity", "Identity", [whole]))
    builder.add(name, "ConcatV2", [*halves, np.int32(0)])


def share_of_cells(builder, scope):
    """One half, computed from the rows of the first feature map."""
    shape = builder.add(f"{scope}/Shape", "Shape", ["FeatureExtractor/out"])
    place = [np.int32([1]), np.int32([2]), np.int32([1])]
    rows = builder.add(f"{scope}/rows", "StridedSlice", [shape, *place], shrink_axis_mask=1)
    number = builder.add(f"{scope}/ToFloat", "Cast", [rows], DstT=np.dtype("float32"))
    return builder.add(f"{scope}/share", "RealDiv", [number, np.float32(2 * MAPS[0][0])])


def write_suppression(builder, priors):
    """What stands behind the cut: it is read for facts, never computed."""
    if priors is not None:
        builder.add("Postprocessor/ExpandDims", "ExpandDims", [priors, np.int32(0)])
    for number, scale in enumerate((10.0, 10.0, 5.0, 5.0)):
        name = f"Postprocessor/Decode/truediv_{number}".replace("_0", "")
        builder.add(name, "RealDiv", ["Squeeze", np.float32(scale)])
    scaled = builder.add("Postprocessor/scale_logits", "RealDiv", ["concat_1", np.float32(1)])
    builder.add("Postprocessor/convert_scores", "Sigmoid", [scaled])
    overlap = builder.const("Postprocessor/iou_threshold", np.float32(0.55))
    overlap = builder.add("Postprocessor/while/Enter", "Enter", [overlap])
    most = builder.const("Postprocessor/most", np.int32(100))
    operands = ["Squeeze", "concat_1", most, overlap, np.float32(1e-8)]
    builder.add("Postprocessor/NonMaxSuppressionV3", "NonMaxSuppressionV3", operands)
