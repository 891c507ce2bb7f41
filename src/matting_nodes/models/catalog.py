"""What networks there are: task, builder, where the weights come from, licence, paper.

Nothing is imported or fetched by looking at it: a builder runs when a network is first used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from ._source import (
    Address,
    ByHand,
    GoogleDrive,
    HuggingFace,
    Packaged,
    Source,
    Torchvision,
)
from ._triton import load_triton_apart

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


@dataclass(frozen=True)
class Model:
    """A network and its published weights.

    Parameters
    ----------
    name, title : str
        The name that parameters and commands use, and the one that people read.
    task : str
        The node that it serves: "segment", "make_trimap" or "alpha_matte".
    builder : str or callable
        "module:Class" below `matting_nodes.networks`, or a callable that returns the module.
    arguments : mapping
        Keywords for the builder.
    source : Source
        Where the weights come from.
    file : str
        Their name on disk.
    sha256 : str
        Their checksum, whole or its first digits (as torch.hub puts them into file names).
        Empty where upstream publishes none: it is then recorded on first use.
    git_sha1 : str
        The name that git gives its content, where the file lies in a repository.
    size : int, bytes
        Size of the download, about: as upstream says, else what its tensors take.
    licence : str
        Licence of the weights, in words.
    non_commercial : bool
        Whether those who publish the weights forbid commercial use, or the licence of the data
        that they were trained on does; `licence` says which.
    paper : str
        Authors, title, year, arXiv number.
    state_key : str
        The entry of the checkpoint that holds the tensors, such as "state_dict".
    telltale : tuple of str
        Keys that tell this architecture's checkpoints from all others.
    ignored : tuple of str
        Beginnings of keys that the file holds and the network has no use for.
    optional : tuple of str
        Beginnings of keys that a file may lack, such as those of a refinement stage that only
        some weights have. The pool leaves their names in the network's `absent`.
    pickled : tuple of str
        Where the file is a whole pickled module: the classes of its authors that it names.
        They and PyTorch's own are replaced by inert stand-ins; see `load_state`.
    channels : int
        Channels of the network's input, (N, C, H, W).
    side : int, pixels
        About the side of the picture that it looks at, whatever it is given; 0 if it looks at it
        as it is.
    prompted : bool
        Whether it takes points and a box beside the picture.
    """

    name: str
    title: str
    task: str
    builder: str | Callable[..., Module]
    source: Source
    file: str
    licence: str
    paper: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    git_sha1: str = ""
    size: int = 0
    non_commercial: bool = False
    state_key: str = ""
    telltale: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    pickled: tuple[str, ...] = ()
    channels: int = 4
    side: int = 0
    prompted: bool = False

    def build(self) -> Module:
        """Return the network on the CPU, with its initial weights."""
        if callable(self.builder):
            return self.builder(**self.arguments)
        module, _, name = self.builder.partition(":")
        home = importlib.import_module(f"...networks.{module}", __name__)
        network: Module = getattr(home, name)(**self.arguments)
        return network

    @property
    def terms(self) -> str:
        """The licence, beginning with a warning where it forbids commercial use."""
        return f"NON-COMMERCIAL: {self.licence}" if self.non_commercial else self.licence


MODELS: dict[str, Model] = {}


def register(model: Model) -> Callable[[], None]:
    """Add a model to the catalog and return what takes it out again.

    Raises
    ------
    ParameterError
        If there is another of that name.
    """
    if model.name in MODELS:
        raise ParameterError(
            f"The model {model.name} is already registered",
            "Every model has a name of its own",
            "Choose another name",
        )
    MODELS[model.name] = model

    def undo() -> None:
        MODELS.pop(model.name, None)

    return undo


def model(name: str) -> Model:
    """Return the model of that name.

    Raises
    ------
    ParameterError
        If there is none; it names those that there are.
    """
    if name in FOR_VIDEO:
        return FOR_VIDEO[name]
    if name not in MODELS:
        raise ParameterError(
            f"There is no model {name!r}",
            f"There are {', '.join(sorted(MODELS))}",
            "Choose one of these; `matting-nodes models list` tells them apart",
        )
    return MODELS[name]


def _torchvision(name: str) -> Module:
    """Return one of torchvision's segmentation networks, 21 classes."""
    load_triton_apart()
    from torchvision.models import get_model

    network: Module = get_model(name, weights=None, weights_backbone=None, num_classes=21)
    return network


def _vitmatte(width: int, heads: int) -> Module:
    """Return ViTMatte as published: windows of 14, every third block global."""
    load_triton_apart()
    from transformers import VitDetConfig, VitMatteConfig, VitMatteForImageMatting

    from ._attention import attend_by_rows

    backbone = VitDetConfig(
        num_channels=4,
        image_size=512,
        pretrain_image_size=224,
        patch_size=16,
        hidden_size=width,
        num_attention_heads=heads,
        window_size=14,
        window_block_indices=[0, 1, 3, 4, 6, 7, 9, 10],
        residual_block_indices=[2, 5, 8, 11],
        use_absolute_position_embeddings=True,
        use_relative_position_embeddings=True,
        out_features=["stage12"],
    )
    # As lists: with its own defaults the configuration adds a tuple to a list.
    config = VitMatteConfig(
        backbone_config=backbone,
        hidden_size=width,
        convstream_hidden_sizes=[48, 96, 192],
        fusion_hidden_sizes=[256, 128, 64, 32],
    )

    class InHalves(VitMatteForImageMatting):  # type: ignore[misc]  # its class is Any
        """Its whole decoder is convolutions, which see little (`networks` says what halves are)."""

        near = 64

        def begin(self, image_and_trimap: Tensor) -> tuple[Tensor, Tensor]:
            return self.backbone(image_and_trimap).feature_maps[-1], image_and_trimap

        def finish(self, features: Tensor, image_and_trimap: Tensor) -> Tensor:
            alpha: Tensor = self.decoder(features, image_and_trimap)
            return alpha

    network: Module = InHalves(config)
    attend_by_rows(network)
    return network


def _sam2(
    blocks: list[int],
    attention: list[int],
    window: list[int],
    width: int = 96,
    heads: int = 1,
    windows: list[int] | None = None,
    video: bool = False,
) -> Module:
    """Return SAM 2.1 for pictures or video, with a Hiera encoder of that many blocks a stage."""
    load_triton_apart()
    from transformers import Sam2Config, Sam2HieraDetConfig, Sam2Model, Sam2VisionConfig

    widths = [width * 2**i for i in range(4)]
    encoder = Sam2HieraDetConfig(
        blocks_per_stage=blocks,
        global_attention_blocks=attention,
        window_positional_embedding_background_size=window,
        hidden_size=width,
        num_attention_heads=heads,
        embed_dim_per_stage=widths,
        num_attention_heads_per_stage=[heads * 2**i for i in range(4)],
        window_size_per_stage=windows or [8, 4, 14, 7],
    )
    vision = Sam2VisionConfig(backbone_config=encoder, backbone_channel_list=widths[::-1])
    network: Module
    if video:
        from transformers import Sam2VideoConfig, Sam2VideoModel

        network = Sam2VideoModel(Sam2VideoConfig(vision_config=vision))
    else:
        network = Sam2Model(Sam2Config(vision_config=vision))
    return network


_DIM = "Xu, Price, Cohen and Huang, Deep Image Matting, CVPR 2017, arXiv 1703.03872"
_DEEPLAB = (
    "Chen, Papandreou, Schroff and Adam, Rethinking Atrous Convolution for Semantic Image "
    "Segmentation, 2017, arXiv 1706.05587"
)
_MOBILENET = "Howard et al., Searching for MobileNetV3, ICCV 2019, arXiv 1905.02244"
_VITMATTE = "Yao, Wang, Yang and Wang, ViTMatte, Information Fusion 103, 2024, arXiv 2305.15272"


def _birefnet(
    variant: str,
    repository: str,
    size: int,
    revision: str,
    sha256: str,
    *,
    task: str = "segment",
    backbone: str = "large",
    columns: bool = False,
    side: int = 1024,
    telltale: tuple[str, ...] = (),
) -> Model:
    """Return the entry of one of BiRefNet's files.

    By columns are the patches of files from before November 2024; no file says so itself.
    """
    return Model(
        name="_".join(["birefnet", *variant.lower().split()]),
        title=f"BiRefNet {variant}".strip(),
        task=task,
        builder="birefnet:BiRefNet",
        arguments={"size": backbone, "columns": columns},
        source=HuggingFace(f"ZhengPeng7/{repository}", revision, "model.safetensors"),
        file=f"{repository}.safetensors",
        sha256=sha256,
        size=size,
        licence="MIT (code and model card); the terms of some of its training sets, such as "
        "DIS5K, P3M-10k and AM-2k, are for research",
        paper="Zheng et al., Bilateral Reference for High-Resolution Dichotomous Image "
        "Segmentation, CAAI AIR 2024, arXiv 2401.03407",
        telltale=telltale,
        channels=3,
        side=side,
    )


_SAM2 = "Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024, arXiv 2408.00714"
# Sam2's file is the video model's, which also remembers earlier frames.
_SAM2_MEMORY = (
    "mask_downsample.",
    "memory_",
    "no_memory_positional_encoding",
    "no_object_pointer",
    "object_pointer_proj.",
    "occlusion_spatial_embedding_parameter",
    "temporal_positional_encoding_projection_layer.",
)
_ADOBE = "trained on Adobe's Deep Image Matting data set, whose licence is non-commercial"
_UNTRAINED = ByHand(note="Nobody publishes weights for it: train it yourself")
_PUBLISHED = (
    Model(
        name="refiner",
        title="Refiner of sampled propagation",
        task="alpha_matte",
        builder="refiner:Refiner",
        source=Packaged(),
        file="refiner.safetensors",
        sha256="fd178db9be40e90653388ce4eb361d49d2de3f0e0d85c7185e6ae167e720a6a2",
        size=1_429_728,
        licence="that of the package; trained on generated pictures (docs/model-card-refiner.md)",
        paper="ours; docs/model-card-refiner.md",
        telltale=("stem.0.weight", "head.0.weight", "last.weight"),
        channels=8,
    ),
    Model(
        name="indexnet",
        title="IndexNet Matting",
        task="alpha_matte",
        builder="indexnet:IndexNet",
        source=Address(
            "https://github.com/poppinace/indexnet_matting/raw/"
            "4beb06a47db2eecca87b8003a11f0b268506cea3/pretrained/indexnet_matting.pth.tar",
            "https://github.com/poppinace/indexnet_matting",
        ),
        file="indexnet_matting.pth.tar",
        git_sha1="bd41745368cc2f8cc36485bfcb42b9bc4d2a9bfd",
        size=24_100_000,
        licence="its README allows non-commercial use only; " + _ADOBE,
        non_commercial=True,
        paper="Lu, Dai, Shen and Xu, Indices Matter, ICCV 2019, arXiv 1908.00672",
        state_key="state_dict",
        telltale=("layer0.0.weight", "pred.0.0.weight"),
    ),
    Model(
        name="gca",
        title="GCA Matting",
        task="alpha_matte",
        builder="gca:GCA",
        source=GoogleDrive("1ti_a46lKEH2Hk2fAB11BbyKfYj0rxNK0"),
        file="gca-dist.pth",
        size=101_200_000,
        licence="its README allows non-commercial use only; " + _ADOBE,
        non_commercial=True,
        paper="Li and Lu, Natural Image Matting via Guided Contextual Attention, AAAI 2020, "
        "arXiv 2001.04069",
        state_key="state_dict",
        telltale=("encoder.conv1.module.weight_bar",),
        channels=6,
    ),
    Model(
        name="dim_vgg16",
        title="Deep Image Matting, VGG-16 with skips",
        task="alpha_matte",
        builder="dim_vgg16:DimVgg16",
        source=Address(
            "https://github.com/huochaitiantang/pytorch-deep-image-matting/releases/download/"
            "V1.5/stage1_skip_sad_52.9.pth",
            "https://github.com/huochaitiantang/pytorch-deep-image-matting",
        ),
        file="stage1_skip_sad_52.9.pth",
        size=113_200_000,
        licence="its README allows non-commercial use only; " + _ADOBE,
        non_commercial=True,
        paper=_DIM,
        state_key="state_dict",
        telltale=("conv1_1.weight", "conv6_1.weight"),
        # The weights with skips are of the first stage alone.
        optional=("refine_",),
    ),
    Model(
        name="dim_segnet",
        title="Deep Image Matting, SegNet with batch normalisation",
        task="alpha_matte",
        builder="dim_segnet:DimSegNet",
        source=Address(
            "https://github.com/foamliu/Deep-Image-Matting-PyTorch/releases/download/v1.0/"
            "BEST_checkpoint.tar",
            "https://github.com/foamliu/Deep-Image-Matting-PyTorch",
        ),
        file="BEST_checkpoint.tar",
        # With its optimizer's momenta, which are as many as the weights.
        size=205_000_000,
        licence="MIT (repository); " + _ADOBE,
        non_commercial=True,
        paper=_DIM,
        state_key="model",
        telltale=("down1.conv1.cbr_unit.0.weight",),
        pickled=(
            "models.DIMModel",
            "models.conv2DBatchNormRelu",
            "models.segnetDown2",
            "models.segnetDown3",
            "models.segnetUp1",
        ),
    ),
    Model(
        name="fba",
        title="FBA Matting",
        task="alpha_matte",
        builder="fba:FBA",
        source=GoogleDrive("1T_oiKDE_biWf2kqexMEN7ObWqtXAzbB1"),
        file="FBA.pth",
        size=139_000_000,
        licence="its README allows non-commercial use only; " + _ADOBE,
        non_commercial=True,
        paper="Forte and Pitié, F, B, Alpha Matting, 2020, arXiv 2003.07711",
        telltale=("encoder.conv1.weight", "decoder.conv_up4.4.weight"),
        channels=11,
    ),
    Model(
        name="dim_two_vgg16",
        title="Deep Image Matting with two VGG-16 encoders",
        task="alpha_matte",
        builder="dim_two_encoders:DimTwoVgg16",
        source=_UNTRAINED,
        file="dim_two_vgg16.pth",
        size=1_000_800_000,
        optional=("refine_",),
        licence="none: train it yourself",
        paper=_DIM,
    ),
    Model(
        name="dim_two_resnet50",
        title="Deep Image Matting with two ResNet-50 encoders",
        task="alpha_matte",
        builder="dim_two_encoders:DimTwoResNet50",
        source=_UNTRAINED,
        file="dim_two_resnet50.pth",
        size=3_537_900_000,
        optional=("refine_",),
        licence="none: train it yourself",
        paper=_DIM,
    ),
    Model(
        name="vitmatte_small",
        title="ViTMatte-S (Composition-1k)",
        task="alpha_matte",
        builder=_vitmatte,
        arguments={"width": 384, "heads": 6},
        source=HuggingFace(
            "hustvl/vitmatte-small-composition-1k",
            "6a58ad7646403c1df626fbd746900aec7361ea1d",
            "model.safetensors",
        ),
        file="vitmatte-small-composition-1k.safetensors",
        sha256="bda9289db1bb6762d978b42d1c62ae3f34daf7497171a347a1d09657efd788cb",
        size=103_294_572,
        licence="Apache-2.0 (model card); " + _ADOBE,
        non_commercial=True,
        paper=_VITMATTE,
        telltale=("decoder.convstream.convs.0.conv.weight",),
    ),
    Model(
        name="vitmatte_base",
        title="ViTMatte-B (Composition-1k)",
        task="alpha_matte",
        builder=_vitmatte,
        arguments={"width": 768, "heads": 12},
        source=HuggingFace(
            "hustvl/vitmatte-base-composition-1k",
            "bf486d01a7d9e3dbcc8400f7942835caf0eaf76e",
            "pytorch_model.bin",
        ),
        file="vitmatte-base-composition-1k.bin",
        sha256="b2521bcc4b719fb24611c39605b6642162fd7502e69b3cc846506ca921757b41",
        size=386_900_000,
        licence="Apache-2.0 (model card); " + _ADOBE,
        non_commercial=True,
        paper=_VITMATTE,
    ),
    Model(
        name="tnet",
        title="T-Net (PSPNet, ResNet-50)",
        task="make_trimap",
        builder="tnet:TNet",
        source=ByHand(note="No public address is known"),
        file="tnet.pth",
        size=213_600_000,
        licence="unknown: none is stated",
        paper="Chen et al., Semantic Human Matting, ACM MM 2018, arXiv 1809.01354",
        telltale=("backbone.feats.conv1.weight",),
        channels=3,
        side=400,
    ),
    Model(
        name="unet_resnext50",
        title="U-Net for portraits (ResNeXt-50)",
        task="segment",
        builder="unet_resnext50:UNetResNeXt50",
        source=Address(
            "https://github.com/nizhib/portrait-demo/releases/download/v0.3/"
            "unet_resnext50-46a04131.pth",
            "https://github.com/nizhib/portrait-demo",
        ),
        file="unet_resnext50-46a04131.pth",
        sha256="46a04131",
        size=341_300_000,
        licence="MIT (repository)",
        paper="Ronneberger, Fischer and Brox, U-Net, MICCAI 2015, arXiv 1505.04597",
        telltale=("encoder.encoder0.0.weight",),
        channels=3,
        side=320,
    ),
    *(
        Model(
            name=name,
            title=title,
            task="segment",
            builder=_torchvision,
            arguments={"name": name},
            source=Torchvision(f"{enum}.COCO_WITH_VOC_LABELS_V1"),
            file=f"{name}_coco-{digits}.pth",
            sha256=digits,
            size=round(mebibytes * 2**20),
            licence="BSD-3-Clause (torchvision); trained on COCO",
            paper=paper,
            telltale=(telltale,),
            # Trained beside the main head; of no use afterwards.
            ignored=("aux_classifier.",),
            channels=3,
            side=640,
        )
        for name, title, enum, digits, mebibytes, paper, telltale in (
            (
                "deeplabv3_resnet101",
                "DeepLabV3, ResNet-101",
                "DeepLabV3_ResNet101_Weights",
                "586e9e4e",
                233.217,
                _DEEPLAB,
                "backbone.layer3.22.conv1.weight",
            ),
            (
                "deeplabv3_resnet50",
                "DeepLabV3, ResNet-50",
                "DeepLabV3_ResNet50_Weights",
                "cd0a2569",
                160.515,
                _DEEPLAB,
                "backbone.layer3.5.conv1.weight",
            ),
            (
                "deeplabv3_mobilenet_v3_large",
                "DeepLabV3, MobileNetV3",
                "DeepLabV3_MobileNet_V3_Large_Weights",
                "fc3c493d",
                42.301,
                _DEEPLAB,
                "classifier.0.convs.0.0.weight",
            ),
            (
                "lraspp_mobilenet_v3_large",
                "LR-ASPP, MobileNetV3",
                "LRASPP_MobileNet_V3_Large_Weights",
                "d234d4ea",
                12.490,
                _MOBILENET,
                "classifier.cbr.0.weight",
            ),
        )
    ),
    *(
        Model(
            name=f"sam2_{size.replace('-', '_')}",
            title=f"SAM 2.1, Hiera {size}",
            task="segment",
            builder=_sam2,
            arguments=arguments,
            source=HuggingFace(f"facebook/sam2.1-hiera-{size}", revision, "model.safetensors"),
            file=f"sam2.1-hiera-{size}.safetensors",
            sha256=sha256,
            size=stored,
            licence="Apache-2.0",
            paper=_SAM2,
            telltale=(telltale,),
            ignored=_SAM2_MEMORY,
            channels=3,
            side=1024,
            prompted=True,
        )
        for size, arguments, telltale, stored, revision, sha256 in (
            (
                "tiny",
                {"blocks": [1, 2, 7, 2], "attention": [5, 7, 9], "window": [7, 7]},
                "vision_encoder.backbone.blocks.11.attn.qkv.weight",
                155_908_064,
                "de431c4043854a71d8101e17995dfe596bf101a5",
                "48c14467e5cf9e51870511feb72c89688e82dd74523142c0538b663e193ac2a7",
            ),
            (
                "small",
                {"blocks": [1, 2, 11, 2], "attention": [7, 10, 13], "window": [7, 7]},
                "vision_encoder.backbone.blocks.15.attn.qkv.weight",
                184_305_280,
                "ee5bba1d82bb8749febdf90f45e84b687142ba03",
                "0a4067b11ce1e23d5229203f11c718a823060d15a4b23fa2372a7d4b77cbbc60",
            ),
            (
                "base-plus",
                {
                    "blocks": [2, 3, 16, 3],
                    "attention": [12, 16, 20],
                    "window": [14, 14],
                    "width": 112,
                    "heads": 2,
                },
                "vision_encoder.backbone.blocks.23.attn.qkv.weight",
                323_476_296,
                "b7320756a13354e7530a63935656d35b2f91a290",
                "2012733a0de5d03efd1bba550a2847c4551be9ef2e0d497c83074df66189f780",
            ),
            (
                "large",
                {
                    "blocks": [2, 6, 36, 4],
                    "attention": [23, 33, 43],
                    "window": [7, 7],
                    "width": 144,
                    "heads": 2,
                    "windows": [8, 4, 16, 8],
                },
                "vision_encoder.backbone.blocks.47.attn.qkv.weight",
                897_897_416,
                "665f8e2ad61cf5f53d65644ff27c8ee525124610",
                "dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
            ),
        )
    ),
    _birefnet(
        "",
        "BiRefNet",
        444_473_596,
        "e2bf8e4460fc8fa32bba5ea4d94b3233d367b0e4",
        "9ab37426bf4de0567af6b5d21b16151357149139362e6e8992021b8ce356a154",
        columns=True,
        telltale=("bb.layers.2.blocks.17.norm1.weight",),
    ),
    _birefnet(
        "lite",
        "BiRefNet_lite",
        177_634_392,
        "aa62cd87eafb9cc43056d08ef3615a14628b831d",
        "4417d89795250e698c3cb0ae8df15743810065f646f48a694fdfa7ca052d0815",
        backbone="tiny",
        columns=True,
        telltale=("decoder.ipt_blk5.conv1.weight",),
    ),
    _birefnet(
        "HR",
        "BiRefNet_HR",
        444_473_596,
        "a7a562f6fd16021180f2f4348f4de003a2d3d1e1",
        "9d678bafec0b0019fbb073b7fd02f05ede25dc4b15254f23b2fb0be333200c0d",
        side=2048,
    ),
    _birefnet(
        "dynamic",
        "BiRefNet_dynamic",
        444_473_596,
        "280306042f57b7a33854319da62fd86aaa89ec4c",
        "e3d2e4884e51ff30f0cd630edc6b1e41b06b7f23a0a2a5169f7b7cb33a711c2d",
        side=0,
    ),
    _birefnet(
        "portrait",
        "BiRefNet-portrait",
        884_878_856,
        "b6561965a70070d9143fd9e558f6ca3c481510db",
        "4a4eb3a5469b75f0cccaec6772c22fc30e6c12ed429c2c0ba71b43e3d8d97182",
        columns=True,
    ),
    _birefnet(
        "matting",
        "BiRefNet-matting",
        884_878_856,
        "eccde0a8cbdce7ac5fecfeb06340fe7b949e85d9",
        "a9875de5b1e6c8eb5fdaa8c727a82927ce442cdc87ba3abee6a77e6fa46c25bb",
        task="alpha_matte",
        columns=True,
    ),
    _birefnet(
        "lite matting",
        "BiRefNet_lite-matting",
        88_965_896,
        "99c33412e3f58e1f33187abdc8c435c645243690",
        "ce8bcfc045e336322c0424a5863dcfb7e9ce8fed0a5fd4d1b2b20adf12d97243",
        task="alpha_matte",
        backbone="tiny",
    ),
    _birefnet(
        "HR matting",
        "BiRefNet_HR-matting",
        444_473_596,
        "5d6b6f8adcb5b417c871b1d84ceaae9871355b7f",
        "a5a4de698739ea5e0e8bbab28e1b293dde95092b87a442d566cbc585c53cef55",
        task="alpha_matte",
        side=2048,
    ),
    Model(
        name="ben2",
        title="BEN2, base",
        task="segment",
        builder="ben2:BEN2",
        source=HuggingFace(
            "PramaLLC/BEN2", "e48a20765fb421d19dcdb0bf3cc61e802ca5ec8f", "model.safetensors"
        ),
        file="BEN2.safetensors",
        sha256="ea8b7907176a09667c86343dc7d00de6a6d871076cb90bb5f753618fd6fb3ebb",
        size=380_577_976,
        licence="MIT (code and model card); trained on DIS5K, whose terms are for research, and on "
        "pictures of the authors' own",
        paper="Meyer and Spruyt, BEN: Using Confidence-Guided Matting for Dichotomous Image "
        "Segmentation, 2025, arXiv 2501.06230",
        # As BEN2_Base.pth holds them; the safetensors file holds them bare.
        state_key="model_state_dict",
        telltale=("dec_blk4.sal_conv.weight",),
        channels=3,
        side=1024,
    ),
    Model(
        name="modnet",
        title="MODNet, photographic portraits",
        task="alpha_matte",
        builder="modnet:MODNet",
        source=GoogleDrive("1mcr7ALciuAsHCpLnrtG_eop5-EYhbCmz"),
        file="modnet_photographic_portrait_matting.ckpt",
        size=26_100_000,
        licence="Apache-2.0 (README: code, models and demos)",
        paper="Ke, Sun, Li, Yan and Lau, MODNet, AAAI 2022, arXiv 2011.11961",
        telltale=("lr_branch.se_block.fc.0.weight", "f_branch.conv_lr4x.layers.0.weight"),
        channels=3,
        side=512,
    ),
)

for _model in _PUBLISHED:
    register(_model)

# One file serves both: these are no downloads of their own, so no list names them.
FOR_VIDEO = {
    f"{m.name}_video": replace(
        m,
        name=f"{m.name}_video",
        title=f"{m.title}, for video",
        arguments={**m.arguments, "video": True},
        ignored=(),
    )
    for m in _PUBLISHED
    if m.builder is _sam2
}
