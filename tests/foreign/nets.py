"""All networks by the names of their families; each has a record and expected numbers here."""

from foreign import face_nets, finished_nets, ssd_nets, yolo_nets

NETS = {
    "torchvision_ssd300": ssd_nets.torchvision_ssd300,
    "torchvision_ssdlite320": ssd_nets.torchvision_ssdlite320,
    "torchvision_ssdlite320_heads": ssd_nets.torchvision_ssdlite320_heads,
    "tf1_ssd_mobilenet": ssd_nets.tf1_ssd_mobilenet,
    "tf1_ssd_heads": ssd_nets.tf1_ssd_heads,
    "nvidia_ssd300": ssd_nets.nvidia_ssd300,
    "zoo_ssd_mobilenet_v1": finished_nets.zoo_ssd_mobilenet_v1,
    "yolox_nano": yolo_nets.yolox_nano,
    "yolov5": yolo_nets.yolov5,
    "yolov8": yolo_nets.yolov8,
    "yolov10": yolo_nets.yolov10,
    "grey_half": yolo_nets.grey_half,
    "nanodet": yolo_nets.nanodet,
    "nanodet_plus": yolo_nets.nanodet_plus,
    "rtmdet": yolo_nets.rtmdet,
    "yunet": face_nets.yunet,
    "scrfd": face_nets.scrfd,
    "blazeface": face_nets.blazeface,
    "ultraface": face_nets.ultraface,
    "ultraface_raw": face_nets.ultraface_raw,
    "dfine": finished_nets.dfine,
    "rtdetr": finished_nets.rtdetr,
    "detr": finished_nets.detr,
    "ppyoloe": finished_nets.ppyoloe,
}

# The priors that lie in a file beside the record
PRIORS = {
    "nvidia_ssd300": ssd_nets.nvidia_priors,
    "ultraface_raw": face_nets.ultraface_priors,
}
