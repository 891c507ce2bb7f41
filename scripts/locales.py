"""The nodes' names, inputs, descriptions and tooltips in Chinese and Japanese, for ComfyUI's page.

A text that has no translation stops the generator, so that none goes stale. Tooltips of `method`
and of Cutout's `network` stay English: they tell costs and what is on disk. The page knows a
method's own parameters by their names alone, whatever the method, as `method_radius`; their
tooltips stand beside it, as `method_guided_filter_radius`, and `web/tooltips.js` takes them.
"""

from __future__ import annotations

import json
from typing import Any

from method_texts import METHOD_TEXTS

from matting_nodes.arrays import Kind
from matting_nodes.framework.parameters import Parameter
from matting_nodes.framework.spec import Input, NodeSpec, Socket
from matting_nodes.framework.words import COMFYUI, reworded
from matting_nodes.graph import NodeType, file_types
from matting_nodes.graph.wires import node_id
from matting_nodes.models.catalog import MODELS
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
        "Difference Matte": "双背景抠图",
        "Measure": "测量",
        "Cutout": "一键抠图",
        "Edit Trimap": "编辑三分图 (Trimap)",
        "Load Picture": "加载图片",
        "Mark Object": "标记主体",
        "Matte Video": "视频抠图",
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
        "Difference Matte": "差分マット",
        "Measure": "計測",
        "Cutout": "切り抜き",
        "Edit Trimap": "トライマップ編集",
        "Load Picture": "画像を読み込む",
        "Mark Object": "対象をマーク",
        "Matte Video": "動画マット",
        "Save Picture": "画像を保存",
    },
}
WORDS = {
    "zh": {
        "video": "视频",
        "times": "时间",
        "segment_every": "重新查找间隔",
        "face": "脸部",
        "document": "证件",
        "chin": "下巴",
        "eyes": "眼睛",
        "sheet": "排版纸",
        "resolution": "分辨率",
        "detector": "检测器",
        "photo": "照片",
        "verdicts": "判定",
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
        "labels": "标签",
        "strokes": "笔画",
        "marks": "标记",
        "first": "起始帧",
        "count": "帧数",
        "stretch": "拉伸数值",
        "one_file": "保存为一个文件",
        "iterations": "迭代次数",
        "working_size": "工作尺寸",
        "smallest_object": "最小物体",
        "largest_hole": "最大孔洞",
        "start": "起始方式",
        "soft": "柔和遮罩",
        "side": "边长",
        "patch_order": "图块顺序",
        "weights": "权重",
        "precision": "精度",
        "shorter_side": "短边",
        "longer_side": "长边",
        "recipe": "预处理方式",
        "file": "文件",
        "preset": "预设",
        "mean": "均值",
        "deviation": "标准差",
        "output_number": "输出序号",
        "sigmoid": "Sigmoid",
        "size": "大小",
        "classes": "类别",
        "algorithm": "算法",
        "objects": "物体",
        "window": "窗口",
        "smallest_region": "最小区域",
        "inner": "向内",
        "outer": "向外",
        "unit": "单位",
        "pixel_size": "像素大小",
        "shape": "形状",
        "radius": "半径",
        "low": "下限",
        "high": "上限",
        "cleanup": "清理",
        "epsilon": "正则化 (epsilon)",
        "refinement": "细化",
        "tile": "分块",
        "neighbors": "邻居数",
        "sigma": "Sigma",
        "regularization": "正则化",
        "fit": "适配方式",
        "backdrop": "背景类型",
        "checker_size": "棋盘格大小",
        "blur_radius": "模糊半径",
        "linear_light": "线性光",
        "premultiplied": "预乘 Alpha",
        "black_point": "黑场",
        "white_point": "白场",
        "alpha_gamma": "Alpha 伽马",
        "choke": "收缩边缘",
        "despill": "去除溢色",
        "despill_amount": "去溢色强度",
        "print_size": "打印尺寸",
        "print_resolution": "打印分辨率",
        "second_image": "第二张图像",
        "plate": "背景板",
        "second_plate": "第二个背景板",
        "second_color": "第二种颜色",
        "registration": "配准",
        "least_difference": "最小差异",
        "residual": "残差",
        "reach": "范围",
        "table": "数值表",
        "picture": "图片",
    },
    "ja": {
        "video": "動画",
        "times": "時刻",
        "segment_every": "再検出の間隔",
        "face": "顔",
        "document": "書類",
        "chin": "あご",
        "eyes": "目",
        "sheet": "シート",
        "resolution": "解像度",
        "detector": "検出器",
        "photo": "写真",
        "verdicts": "判定",
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
        "labels": "ラベル",
        "strokes": "ストローク",
        "marks": "マーク",
        "first": "最初のフレーム",
        "count": "フレーム数",
        "stretch": "値を引き伸ばす",
        "one_file": "1 ファイルに保存",
        "iterations": "反復回数",
        "working_size": "作業サイズ",
        "smallest_object": "最小の物体",
        "largest_hole": "最大の穴",
        "start": "開始方法",
        "soft": "ソフトマスク",
        "side": "一辺",
        "patch_order": "パッチの順序",
        "weights": "重み",
        "precision": "精度",
        "shorter_side": "短辺",
        "longer_side": "長辺",
        "recipe": "前処理",
        "file": "ファイル",
        "preset": "プリセット",
        "mean": "平均",
        "deviation": "標準偏差",
        "output_number": "出力番号",
        "sigmoid": "シグモイド",
        "size": "サイズ",
        "classes": "クラス",
        "algorithm": "アルゴリズム",
        "objects": "物体",
        "window": "窓",
        "smallest_region": "最小の領域",
        "inner": "内側",
        "outer": "外側",
        "unit": "単位",
        "pixel_size": "画素の大きさ",
        "shape": "形",
        "radius": "半径",
        "low": "下限",
        "high": "上限",
        "cleanup": "クリーンアップ",
        "epsilon": "正則化 (epsilon)",
        "refinement": "リファイン",
        "tile": "タイル",
        "neighbors": "近傍数",
        "sigma": "シグマ",
        "regularization": "正則化",
        "fit": "合わせ方",
        "backdrop": "背景の種類",
        "checker_size": "市松模様の大きさ",
        "blur_radius": "ぼかし半径",
        "linear_light": "リニアライト",
        "premultiplied": "乗算済みアルファ",
        "black_point": "黒点",
        "white_point": "白点",
        "alpha_gamma": "アルファのガンマ",
        "choke": "エッジの収縮",
        "despill": "スピル除去",
        "despill_amount": "スピル除去量",
        "print_size": "プリントサイズ",
        "print_resolution": "プリント解像度",
        "second_image": "2 枚目の画像",
        "plate": "背景プレート",
        "second_plate": "2 つ目の背景プレート",
        "second_color": "2 つ目の色",
        "registration": "位置合わせ",
        "least_difference": "最小の差",
        "reach": "範囲",
        "residual": "残差",
        "table": "数値表",
        "picture": "画像",
    },
}
TEXTS = {
    "Find the object: a rough mask is enough, the matte refines its edge.": (
        "找出主体：粗略的遮罩即可，抠图会细化其边缘。",
        "対象を見つけます。粗いマスクで十分で、エッジはマットが整えます。",
    ),
    ("Mark what is surely foreground, what is surely background, and what is to be solved."): (
        "标出确定的前景、确定的背景和待求解的区域。",
        "確実な前景、確実な背景、これから解く領域を示します。",
    ),
    "Solve I = αF + (1 − α)B for α where the trimap is unknown.": (
        "在三分图的未知区域求解 I = αF + (1 − α)B 中的 α。",
        "トライマップの未知領域で I = αF + (1 − α)B の α を解きます。",
    ),
    "Solve I = αF + (1 − α)B for F and B, so that no old background shines through.": (
        "求解 I = αF + (1 − α)B 中的 F 和 B，使旧背景不再透出。",
        "I = αF + (1 − α)B の F と B を解き、元の背景が透けないようにします。",
    ),
    "Lay the object over a background: αF + (1 − α)B.": (
        "把主体合成到背景上：αF + (1 − α)B。",
        "対象を背景に合成します：αF + (1 − α)B。",
    ),
    "Measure a matte against a reference as the Composition-1k evaluation does.": (
        "按 Composition-1k 的评测方法，将抠图与参考比较。",
        "Composition-1k の評価方法で、マットを参照と比べます。",
    ),
    ("Unmix two pictures of one object before two known backgrounds: glass and hair, exactly."): (
        "由同一主体在两个已知背景前的两张图片精确求解：玻璃与毛发皆可。",
        "既知の 2 つの背景の前で撮った同じ対象の 2 枚から、ガラスも髪も正確に分離します。",
    ),
    "Take the object of a clip off its background: one trimap serves all frames.": (
        "把视频里的主体从背景中取出：一张三分图用于所有帧。",
        "動画の対象を背景から切り出します。1 枚のトライマップが全フレームに使われます。",
    ),
    "The clip.": ("视频。", "動画。"),
    (
        "Of its first frame; or of several frames, with their times. Without one, the object is "
        "looked for."
    ): (
        "第一帧的三分图；也可以是若干帧的，并给出时间。不接时自动寻找主体。",
        "最初のフレームのもの。時刻を添えれば複数フレームのものも使えます。なければ対象を探します。",
    ),
    (
        "When each trimap is from, in seconds from the clip's beginning, such as 0, 1.5, 4. Each "
        "counts up to its neighbors on both sides."
    ): (
        "每张三分图对应的时间（从视频开头起的秒数），如 0, 1.5, 4。"
        "每张向前后作用到相邻的三分图为止。",
        "各トライマップの時刻（動画の先頭からの秒数）。例：0, 1.5, 4。"
        "それぞれ前後の隣のトライマップまで有効です。",
    ),
    (
        "What comes behind the object where no background is wired; transparent gives a WebM with "
        "opacity."
    ): (
        "未接背景时主体后面的颜色；transparent 得到带透明度的 WebM。",
        "背景がつながれていないとき対象の後ろに置く色。"
        "transparent では不透明度つきの WebM になります。",
    ),
    "Look for it again every so many frames; 0 is never.": (
        "每隔多少帧重新寻找一次；0 表示不再寻找。",
        "何フレームごとに探し直すか。0 なら探し直しません。",
    ),
    "The object before the first background.": (
        "第一个背景前的主体。",
        "1 つ目の背景の前の対象。",
    ),
    "The same object before the second background.": (
        "第二个背景前的同一主体。",
        "2 つ目の背景の前の同じ対象。",
    ),
    "The first background without the object (clean plate). It is used instead of the color.": (
        "没有主体的第一个背景。它代替颜色的设置。",
        "対象のない 1 つ目の背景。色の設定より優先されます。",
    ),
    "The second background without the object. It is used instead of the second color.": (
        "没有主体的第二个背景。它代替第二种颜色的设置。",
        "対象のない 2 つ目の背景。2 つ目の色の設定より優先されます。",
    ),
    "Color of the first background: a name or #rrggbb.": (
        "第一个背景的颜色：颜色名或 #rrggbb。",
        "1 つ目の背景の色：色名または #rrggbb。",
    ),
    "Color of the second background: a name or #rrggbb.": (
        "第二个背景的颜色：颜色名或 #rrggbb。",
        "2 つ目の背景の色：色名または #rrggbb。",
    ),
    (
        "What to do if the second picture is shifted: refuse says how far, align moves it and its "
        "background back, ignore does not look."
    ): (
        "第二张图片有位移时怎么办：refuse 报告位移量并停止，align 把它和它的背景移回，"
        "ignore 不检查。",
        "2 枚目がずれているとき：refuse はずれの量を示して止まり、align はそれと背景を戻し、"
        "ignore は調べません。",
    ),
    (
        "Where the backgrounds differ by less (root mean square over channels), alpha and "
        "foreground are those of the nearest pixel where they do not, and the residual is 1."
    ): (
        "两个背景的差异（各通道的均方根）小于此值处，Alpha 和前景取自最近的可解像素，残差为 1。",
        "背景の差（チャンネルの二乗平均平方根）がこれより小さい所では、アルファと前景は最も近い"
        "解ける画素の値になり、残差は 1 です。",
    ),
    "Measure each object by its matte: a pixel counts by the share of it that is object.": (
        "按抠图测量每个物体：每个像素按其中物体所占的份额计入。",
        "各物体をマットで計測します。画素は、そのうち物体が占める割合で数えます。",
    ),
    "Numbered objects.": ("编号的物体。", "番号付きの物体。"),
    "The matte of all of them.": ("所有物体的 Alpha。", "すべての物体のアルファ。"),
    "The picture, for intensities.": ("图片，用于测量强度。", "画像（輝度の計測用）。"),
    "Its unmixed foreground, from EstimateForeground.": (
        "它的前景颜色，来自“估计前景颜色”。",
        "「前景色の推定」による、その前景。",
    ),
    "How far beyond its label an object's soft edge is measured.": (
        "在标签之外多远仍测量物体的柔和边缘。",
        "ラベルの外どこまで物体の柔らかいエッジを計測するか。",
    ),
    "px is pixels; physical the unit of pixel_size.": (
        "px 为像素；physical 为 pixel_size 的单位。",
        "px は画素、physical は pixel_size の単位です。",
    ),
    "Side of a pixel in the physical unit. In napari, the layer's scale unless set.": (
        "像素边长，以物理单位计。在 napari 中默认为图层的比例。",
        "物理単位での画素の一辺。napari では、設定しなければレイヤーのスケール。",
    ),
    "Take the object off its background: the whole pipeline in one node.": (
        "把主体从背景中取出：一个节点完成整个流程。",
        "対象を背景から切り抜きます。全工程を 1 つのノードで行います。",
    ),
    "Correct a trimap with the brush, and see the matte follow.": (
        "用画笔修正三分图，抠图会随之更新。",
        "ブラシでトライマップを直すと、マットが追従します。",
    ),
    "Load a picture of any depth, the planes of a TIFF, or a folder of pictures.": (
        "加载任意位深的图片、TIFF 的各层，或一个图片文件夹。",
        "任意のビット深度の画像、TIFF の各面、または画像フォルダーを読み込みます。",
    ),
    ("Point at an object, draw a box around it, or scribble on it: Segment finds the rest."): (
        "在主体上点击、画框或涂鸦，其余由“分割主体”完成。",
        "対象を点・枠・スクリブルで示すと、残りは「セグメンテーション」が見つけます。",
    ),
    "Save pictures, alphas, or pictures with an alpha, in 8, 16 or 32 bits.": (
        "以 8、16 或 32 位保存图片、Alpha 或带 Alpha 的图片。",
        "画像、アルファ、アルファ付き画像を 8・16・32 ビットで保存します。",
    ),
    "The picture.": (
        "图片。",
        "画像。",
    ),
    "The pictures.": (
        "图片。",
        "画像。",
    ),
    "The object lies inside; everything outside is background.": (
        "主体在框内，框外都是背景。",
        "対象は枠の中にあり、外はすべて背景です。",
    ),
    "Strokes: 0 is background, 1 is foreground, 0.5 where nothing was drawn.": (
        "笔画：0 为背景，1 为前景，未画处为 0.5。",
        "ストローク：0 は背景、1 は前景、描いていない所は 0.5。",
    ),
    "A rough mask to refine.": (
        "待细化的粗略遮罩。",
        "整える粗いマスク。",
    ),
    "x and y of places on the object.": (
        "主体上各点的 x 和 y。",
        "対象上の点の x と y。",
    ),
    "x and y of places beside it.": (
        "主体以外各点的 x 和 y。",
        "対象の外の点の x と y。",
    ),
    "Strokes on the object alone, as mask editors paint them.": (
        "只画在主体上的笔画，如遮罩编辑器所画。",
        "対象の上だけのストローク（マスクエディターで描いたもの）。",
    ),
    "Strokes beside it alone.": (
        "只画在主体以外的笔画。",
        "対象の外だけのストローク。",
    ),
    "Where to compute; auto takes the fastest that the method can use.": (
        "在哪里计算；auto 选用该方法可用的最快设备。",
        "計算する場所。auto はその手法で使える最速のものを選びます。",
    ),
    (
        "Which values of the picture become 0 and 1. none: those of its type. picture "
        "and stack: the smallest and the largest of each frame, or of all. percentiles: "
        "as picture, without the lowest and the highest thousandth. auto: none for 8 "
        "bits and for pictures that reach a quarter of their type's range, else "
        "picture, or stack where pictures come out. Pictures come out in the values "
        "that they came in."
    ): (
        "图片的哪些值变为 0 和 1。none：其类型的范围。picture 与 stack：每帧或所有帧的最"
        "小值和最大值。percentiles：同 picture，但去掉最低和最高的千分之一。auto：8 位图"
        "片以及达到其类型范围四分之一的图片用 none，其余用 picture，输出图片时用 stack。"
        "输出的图片保持输入时的数值。",
        "画像のどの値を 0 と 1 にするか。none：型の範囲。picture と stack：各フレーム、"
        "または全フレームの最小値と最大値。percentiles：picture と同じで、上下千分の一を"
        "除きます。auto：8 ビットと、型の範囲の 4 分の 1 に達する画像は none、ほかは "
        "picture（画像を出力するときは stack）。出力の画像は入力と同じ値に戻ります。",
    ),
    "Normalize each channel by itself, for stains of different strength.": (
        "各通道分别归一化，适用于强度不同的染色。",
        "チャンネルごとに正規化します。強さの異なる染色向けです。",
    ),
    "1 is foreground.": (
        "1 为前景。",
        "1 が前景です。",
    ),
    "The picture, for methods that look at it.": (
        "图片，供需要看图片的方法使用。",
        "画像（画像を見る手法で使います）。",
    ),
    "Numbered objects, for methods that keep them apart.": (
        "编号的物体，供区分各物体的方法使用。",
        "番号付きの物体（物体を区別する手法で使います）。",
    ),
    "Smaller islands of foreground or background become unknown.": (
        "更小的前景或背景孤岛变为未知。",
        "これより小さい前景や背景の島は未知になります。",
    ),
    "The picture. Sampled propagation and closed form take any number of channels.": (
        "图片。采样传播和闭式解可用任意数量的通道。",
        "画像。sampled_propagation と closed_form は任意のチャンネル数を扱えます。",
    ),
    (
        "0 background, 1 foreground, between them unknown. BiRefNet and MODNet need "
        "none, and decide only the unknown pixels of one that is given."
    ): (
        "0 为背景，1 为前景，其间为未知。BiRefNet 和 MODNet 不需要三分图；若给出，则只决"
        "定其未知像素。",
        "0 は背景、1 は前景、その間は未知。BiRefNet と MODNet には不要で、与えた場合は未"
        "知の画素だけを決めます。",
    ),
    "Its matte.": (
        "它的抠图 (Alpha)。",
        "そのマット（アルファ）。",
    ),
    "For methods that use it.": (
        "供使用它的方法。",
        "それを使う手法のため。",
    ),
    "The picture; its colors stand for the foreground where none is given.": (
        "图片；未给出前景时以其颜色代替。",
        "画像。前景がないときは、その色を使います。",
    ),
    (
        "Colors from EstimateForeground: without them the old background stays visible "
        "along soft edges."
    ): (
        "来自“估计前景颜色”的颜色：没有它，柔和边缘处会残留旧背景。",
        "「前景色の推定」の色。ないと、柔らかいエッジに元の背景が残ります。",
    ),
    ("A picture as the new background, of any size. It is used instead of the backdrop."): (
        "作为新背景的图片，尺寸不限。它代替背景类型的设置。",
        "新しい背景の画像。大きさは自由で、背景の種類の設定より優先されます。",
    ),
    (
        "How a background of another size is fitted: fill crops what does not fit, fit "
        "leaves black bars, stretch ignores proportions, tile repeats."
    ): (
        "尺寸不同的背景如何适配：fill 裁掉多余部分，fit 留黑边，stretch 不保持比例，tile 平铺。",
        "大きさの違う背景の合わせ方：fill ははみ出しを切り、fit は黒い帯を残し、stretch "
        "は縦横比を無視し、tile は繰り返します。",
    ),
    (
        "What lies behind where no picture is given; blur is the old background out of "
        "focus, the last three are the colors of ID photos."
    ): (
        "未给出背景图片时的背景；blur 是虚化的旧背景，最后三种是证件照的颜色。",
        "背景画像がないときの背景。blur はぼかした元の背景、最後の 3 つは証明写真の色です。",
    ),
    "Color of the backdrop: a name, #rrggbb, or transparent.": (
        "背景颜色：颜色名、#rrggbb 或 transparent（透明）。",
        "背景の色：色名、#rrggbb、または transparent（透明）。",
    ),
    "Side of the checkerboard's squares.": (
        "棋盘格方块的边长。",
        "市松模様の一辺。",
    ),
    "Standard deviation of the blur.": (
        "模糊的标准差。",
        "ぼかしの標準偏差。",
    ),
    ("Blend amounts of light rather than gamma-encoded values: soft edges look as in a lens."): (
        "混合光量而非伽马编码值：柔和边缘如镜头所见。",
        "ガンマ符号化された値ではなく光の量を混ぜます。柔らかいエッジがレンズを通したよ"
        "うに見えます。",
    ),
    (
        "For transparent: colors multiplied by alpha, as some compositors want them. "
        "Straight otherwise."
    ): (
        "用于透明输出：颜色乘以 Alpha，某些合成软件需要如此；否则不预乘。",
        "透明出力用：色にアルファを掛けます（それを求める合成ソフト向け）。それ以外はス"
        "トレートです。",
    ),
    "Levels of the alpha: what counts as clear, and what as opaque.": (
        "Alpha 的色阶：多少算全透明，多少算不透明。",
        "アルファのレベル：どこからを透明、不透明とみなすか。",
    ),
    "Gamma of the alpha: above 1 soft parts become more opaque, below 1 less.": (
        "Alpha 的伽马：大于 1 时柔和部分更不透明，小于 1 时更透明。",
        "アルファのガンマ：1 より大きいと柔らかい部分がより不透明に、小さいとより透明になります。",
    ),
    "Moves the alpha's edge inwards, or outwards if negative.": (
        "将 Alpha 的边缘向内移动；负值向外。",
        "アルファのエッジを内側へ、負なら外側へ動かします。",
    ),
    "Removes the spill of a screen of this color from the object's colors.": (
        "从主体颜色中去除该颜色幕布的溢色。",
        "この色のスクリーンからの色かぶりを対象から除きます。",
    ),
    "How much of the spill is removed.": (
        "去除多少溢色。",
        "スピルをどれだけ除くか。",
    ),
    (
        "Frames the object as an ID photo: head in the middle, a tenth of the height "
        "free above it, down to the object's lower end. Width × height; 51x51_mm is 2 × "
        "2 inches."
    ): (
        "按证件照取景：头部居中，上方留出高度的十分之一，下至主体底端。宽 × 高；"
        "51x51_mm 即 2 × 2 英寸。",
        "証明写真として切り取ります：頭を中央に、上に高さの 1/10 を空け、対象の下端まで"
        "。幅 × 高さ。51x51_mm は 2 × 2 インチです。",
    ),
    "Resolution of a print size: 35x45_mm at 300 dpi is 413 × 531 pixels.": (
        "打印尺寸的分辨率：35x45_mm 在 300 dpi 时为 413 × 531 像素。",
        "プリントの解像度：35x45_mm は 300 dpi で 413 × 531 画素です。",
    ),
    "The matte.": (
        "抠图 (Alpha)。",
        "マット（アルファ）。",
    ),
    "What it should be.": (
        "正确的结果。",
        "正解。",
    ),
    ("Measure its unknown pixels only, as the field's tables do; else the whole picture."): (
        "只测量其未知像素，如该领域的表格所做；否则测量整幅图片。",
        "この分野の表と同じく未知の画素だけを測ります。なければ画像全体です。",
    ),
    "A rough mask of the object; without one it is looked for.": (
        "主体的粗略遮罩；没有时自动寻找主体。",
        "対象の粗いマスク。なければ自動で探します。",
    ),
    "What comes behind it, of any size; without one, the color.": (
        "放在其后的背景，尺寸不限；没有时用颜色。",
        "後ろに置く背景。大きさは自由。なければ色を使います。",
    ),
    "What comes behind the object where no background is wired.": (
        "未连接背景时主体后面的颜色。",
        "背景がつながれていないときに後ろに置く色。",
    ),
    "Where networks compute.": (
        "网络在哪里计算。",
        "ネットワークを計算する場所。",
    ),
    "The picture, to be seen below the trimap.": (
        "图片，显示在三分图下方。",
        "トライマップの下に見える画像。",
    ),
    "What is painted on; without one, everything is unknown at first.": (
        "在其上绘制；没有时，起初全部为未知。",
        "描き込む対象。なければ最初はすべて未知です。",
    ),
    "What was painted, as the editor writes it; the workflow keeps it.": (
        "所画的内容，由编辑器写入，保存在工作流中。",
        "描いた内容。エディターが書き、ワークフローに保存されます。",
    ),
    "A picture or a folder of pictures in the input folder, or one of the samples.": (
        "输入文件夹中的图片或图片文件夹，或一个示例。",
        "入力フォルダーの画像または画像フォルダー、あるいはサンプル。",
    ),
    ("Which channel of a measurement, counted from 1, to take as grey; 0 takes colors."): (
        "将测量数据的哪个通道（从 1 数起）作为灰度；0 取彩色。",
        "計測データのどのチャンネル（1 から）をグレーとするか。0 はカラーです。",
    ),
    "The first frame that is loaded, counted from 0.": (
        "加载的第一帧，从 0 数起。",
        "読み込む最初のフレーム（0 から）。",
    ),
    "How many frames are loaded; 0 loads all.": (
        "加载多少帧；0 为全部。",
        "読み込むフレーム数。0 はすべて。",
    ),
    (
        "Bring the smallest value of all frames to 0 and the largest to 1. Files of "
        "signed numbers, or of floats beyond 0..1, are always loaded so."
    ): (
        "将所有帧的最小值变为 0，最大值变为 1。有符号数或超出 0..1 的浮点文件总是如此加载。",
        "全フレームの最小値を 0、最大値を 1 にします。符号付きの値や 0..1 を超える浮動小"
        "数のファイルは常にこう読み込みます。",
    ),
    "The picture that is marked.": (
        "要标记的图片。",
        "マークする画像。",
    ),
    "What was drawn, as the editor writes it; the workflow keeps it.": (
        "所画的标记，由编辑器写入，保存在工作流中。",
        "描いたマーク。エディターが書き、ワークフローに保存されます。",
    ),
    "The colors; straight where there is an alpha.": (
        "颜色；有 Alpha 时为非预乘。",
        "色。アルファがあるときはストレートです。",
    ),
    "1 is opaque. Alone it is saved in grey, with an image as its transparency.": (
        "1 为不透明。单独保存为灰度；有图像时作为其透明度。",
        "1 が不透明。単独ならグレーで、画像があればその透明度として保存します。",
    ),
    "How the files are called; a number follows.": (
        "文件的名称，其后加编号。",
        "ファイル名。後ろに番号が付きます。",
    ),
    "JPEG holds no transparency.": (
        "JPEG 不含透明度。",
        "JPEG は透明度を持てません。",
    ),
    ("Bits per channel; auto takes 16 for an alpha as PNG, 32 (float) for TIFF, else 8."): (
        "每通道位数；auto 对 PNG 的 Alpha 取 16，对 TIFF 取 32（浮点），其余取 8。",
        "チャンネルあたりのビット数。auto は PNG のアルファに 16、TIFF に 32（浮動小数）"
        "、ほかは 8 です。",
    ),
    "Save all frames as the planes of one TIFF.": (
        "把所有帧保存为一个 TIFF 的各层。",
        "すべてのフレームを 1 つの TIFF の各面として保存します。",
    ),
    "The portrait, upright.": (
        "人像，头朝上。",
        "上向きの人物写真。",
    ),
    "Colors from EstimateForeground, without the old background.": (
        "EstimateForeground 给出的颜色，不含原背景。",
        "EstimateForeground の色。元の背景を含みません。",
    ),
    "A box around the face, down to the chin.": (
        "包住脸部、下至下巴的边界框。",
        "あごまでの顔を囲むボックス。",
    ),
    "Whose rules: size, head, eyes, background, pixels, file size.": (
        "按哪种证件的规定：尺寸、头部、眼睛、背景、像素、文件大小。",
        "どの書類の規定か：サイズ、頭、目、背景、画素数、ファイルサイズ。",
    ),
    "What lies behind; by_rule is the first color that the document allows.": (
        "背景颜色；by_rule 为该证件允许的第一种颜色。",
        "背景の色。by_rule はその書類で認められる最初の色です。",
    ),
    "Their rows in the picture, where they are set by hand; 0 takes them from the face "
    "box or the detector, and eyes else halfway between the head's top and the chin.": (
        "手动设定时，它们在图中的行；0 表示取自脸部边界框或检测器，否则眼睛取头顶与下巴的中间。",
        "手で決めるときの画像での行。0 なら顔のボックスか検出器から取り、なければ目は頭頂とあごの中"
        "間です。",
    ),
    "The paper of the print sheet.": (
        "打印排版所用的纸张。",
        "印刷シートの用紙。",
    ),
    "Of the print: 35 × 45 mm at 300 dpi are 413 × 531 pixels. Photos that are sent as "
    "files have the pixels that their rule asks for.": (
        "打印分辨率：300 dpi 下 35 × 45 mm 为 413 × 531 像素。以文件提交的照片采用规定的像素。",
        "印刷の解像度。300 dpi の 35 × 45 mm は 413 × 531 画素です。ファイルで送る写真は規定の画素"
        "数になります。",
    ),
    "A file of YuNet, OpenCV's face detector, which finds chin and eyes if there is no box.": (
        "OpenCV 人脸检测器 YuNet 的文件；没有边界框时由它找到下巴和眼睛。",
        "OpenCV の顔検出器 YuNet のファイル。ボックスがなければあごと目を見つけます。",
    ),
    "Frame a portrait by the rules for a document, and say which of them it meets.": (
        "按证件规定裁切人像，并说明符合哪些规定。",
        "書類の規定に合わせて人物写真を切り出し、どの規定を満たすかを示します。",
    ),
}
TEXTS |= METHOD_TEXTS
"""Every description and tooltip in Chinese and in Japanese, by its English text."""
NOTES = {
    Kind.MASK: (
        "1 为前景。Load Image 由透明度生成的遮罩正好相反，请先反转；在遮罩编辑器中画的遮"
        "罩，画过处为 1。",
        "1 が前景です。Load Image が透明度から作るマスクは逆なので反転してください。マス"
        "クエディターで描いた所は 1 です。",
    ),
    Kind.LABELS: (
        "物体 n 的值为 n / 255 的遮罩。",
        "物体 n の値が n / 255 のマスク。",
    ),
    Kind.TRIMAP: (
        "0 为背景、0.5 为未知、1 为前景的遮罩。",
        "0 が背景、0.5 が未知、1 が前景のマスク。",
    ),
    Kind.ALPHA: (
        "1 为完全不透明前景的遮罩。",
        "1 が不透明な前景のマスク。",
    ),
    Kind.BOX: (
        "core 的边界框、其他节点包的 BBOX 列表（左、上、右、下），或 Impact Pack 的 SEGS。",
        "core のバウンディングボックス、他のパックの BBOX リスト（左・上・右・下）、または "
        "Impact Pack の SEGS。",
    ),
    Kind.POINTS: (
        "JSON 文本，如点编辑器所给。",
        "点エディターが出す JSON のテキスト。",
    ),
}
"""What the kind of a wire means in this host, in both languages."""


def node_names(language: str) -> str:
    """Return `nodeDefs.json` of a language.

    Parameters
    ----------
    language : {"zh", "ja"}
        As ComfyUI names it.

    Raises
    ------
    KeyError
        If a name or text has no translation.
    """
    listed: list[tuple[str, NodeSpec | NodeType]] = [(node_id(spec), spec) for spec in all_nodes()]
    listed += [(type_.name, type_) for type_ in file_types()]
    entries = {}
    for key, node in listed:
        words = WORDS[language]
        given = [*node.inputs, *node.parameters]
        inputs = {
            wire.name: {"name": words[wire.name], **_tooltip(wire, language)} for wire in given
        }
        if isinstance(node, NodeSpec) and node.methods:
            own = {p.name: words[p.name] for m in node.methods.values() for p in m.parameters}
            # The page writes "method.inner" so.
            inputs |= {f"method_{name}": {"name": word} for name, word in own.items()}
            inputs |= {
                f"method_{method.name}_{p.name}": {"name": words[p.name], **_tooltip(p, language)}
                for method in node.methods.values()
                for p in method.parameters
            }
            inputs["method"] = {"name": words["method"]}
        entries[key] = {
            "display_name": NODES[language][node.title],
            "description": _translated(node.summary, language),
            "inputs": inputs,
            "outputs": {str(n): {"name": words[v.name]} for n, v in enumerate(node.outputs)},
        }
    return json.dumps(entries, ensure_ascii=False, indent=1) + "\n"


def _tooltip(wire: Socket[Any] | Parameter, language: str) -> dict[str, str]:
    """Return the tooltip of an input, with what its kind means; none for a choice of networks."""
    if isinstance(wire, Parameter) and wire.name == "network" and set(wire.choices) & set(MODELS):
        return {}
    text = _translated(wire.help, language)
    note = NOTES.get(wire.kind) if isinstance(wire, Input) else None
    return {"tooltip": text + (note[_COLUMN[language]] if note else "")}


def _translated(text: str, language: str) -> str:
    return TEXTS[reworded(text, COMFYUI)][_COLUMN[language]]


_COLUMN = {"zh": 0, "ja": 1}
