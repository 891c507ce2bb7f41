"""The nodes' names and inputs in Chinese and Japanese, for ComfyUI's page.

Only terms of the field that have one usual translation are here; the rest stays English.
"""

from __future__ import annotations

import json

from matting_nodes.graph import file_types
from matting_nodes.graph.wires import node_id
from matting_nodes.nodes import all_nodes

NODES = {
    "zh": {
        "Segment": "分割主体",
        "Make Trimap": "生成三分图 (Trimap)",
        "Alpha Matte": "Alpha 抠图",
        "Estimate Foreground": "估计前景颜色",
        "Composite": "合成抠图",
        "Compare": "比较抠图",
        "ID Photo": "证件照",
        "Cutout": "一键抠图",
        "Edit Trimap": "编辑三分图 (Trimap)",
        "Load Picture": "加载图片",
        "Mark Object": "标记主体",
        "Save Picture": "保存图片",
    },
    "ja": {
        "Segment": "セグメンテーション",
        "Make Trimap": "トライマップ作成",
        "Alpha Matte": "アルファマット",
        "Estimate Foreground": "前景色の推定",
        "Composite": "マット合成",
        "Compare": "マットの比較",
        "ID Photo": "証明写真",
        "Cutout": "切り抜き",
        "Edit Trimap": "トライマップ編集",
        "Load Picture": "画像を読み込む",
        "Mark Object": "対象をマーク",
        "Save Picture": "画像を保存",
    },
}
WORDS = {
    "zh": {
        "image": "图像",
        "images": "图像",
        "mask": "遮罩",
        "trimap": "三分图",
        "alpha": "Alpha",
        "reference": "参考",
        "foreground": "前景",
        "background": "背景",
        "box": "边界框",
        "foreground_points": "前景点",
        "background_points": "背景点",
        "scribbles": "涂鸦",
        "foreground_scribbles": "前景涂鸦",
        "background_scribbles": "背景涂鸦",
        "cutout": "抠图结果",
        "method": "方法",
        "device": "设备",
        "color": "颜色",
        "network": "网络",
        "channel": "通道",
        "normalization": "归一化",
        "per_channel": "逐通道",
        "filename_prefix": "文件名前缀",
        "file_type": "文件类型",
        "bits": "位深",
    },
    "ja": {
        "image": "画像",
        "images": "画像",
        "mask": "マスク",
        "trimap": "トライマップ",
        "alpha": "アルファ",
        "reference": "参照",
        "foreground": "前景",
        "background": "背景",
        "box": "バウンディングボックス",
        "foreground_points": "前景の点",
        "background_points": "背景の点",
        "scribbles": "スクリブル",
        "foreground_scribbles": "前景のスクリブル",
        "background_scribbles": "背景のスクリブル",
        "cutout": "切り抜き",
        "method": "手法",
        "device": "デバイス",
        "color": "色",
        "network": "ネットワーク",
        "channel": "チャンネル",
        "normalization": "正規化",
        "per_channel": "チャンネルごと",
        "filename_prefix": "ファイル名の接頭辞",
        "file_type": "ファイル形式",
        "bits": "ビット深度",
    },
}


def node_names(language: str) -> str:
    """Return `nodeDefs.json` of a language.

    Parameters
    ----------
    language : {"zh", "ja"}
        As ComfyUI names it.
    """
    entries = {}
    listed = [(node_id(spec), spec) for spec in all_nodes()]
    listed += [(type_.name, type_) for type_ in file_types()]
    for key, node in listed:
        inputs = [*(socket.name for socket in node.inputs), *(p.name for p in node.parameters)]
        inputs += ["method"] if node.methods else []
        outputs = dict(enumerate(output.name for output in node.outputs))
        words = WORDS[language]
        entries[key] = {
            "display_name": NODES[language][node.title],
            "inputs": {name: {"name": words[name]} for name in inputs if name in words},
            "outputs": {str(n): {"name": words[v]} for n, v in outputs.items() if v in words},
        }
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"
