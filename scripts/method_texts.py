"""What the tooltips of methods' own parameters say, in Chinese and in Japanese."""

from __future__ import annotations

METHOD_TEXTS: dict[str, tuple[str, str]] = {
    "Rounds of learning colors and cutting again.": (
        "学习颜色并重新分割的轮数。",
        "色を学習して切り直す回数。",
    ),
    (
        "A picture with a longer side is cut at this size, and its mask enlarged: the matte "
        "refines the edge anyway, and the time grows faster than the number of pixels."
    ): (
        "长边超过此值的图片在此尺寸下分割，再放大遮罩：抠图本来就会细化边缘，而耗时比像素数增长更"
        "快。",
        "長辺がこれより大きい画像はこのサイズで切り、マスクを拡大します。エッジはマットが整えます"
        "し、時間は画素数より速く増えるためです。",
    ),
    "Smaller connected parts are dropped.": (
        "更小的连通部分被去掉。",
        "これより小さい連結部分は捨てます。",
    ),
    "Holes up to this size are filled, such as eyes that have the background's color.": (
        "不超过此大小的孔洞被填充，例如与背景同色的眼睛。",
        "この大きさまでの穴を埋めます。背景と同じ色の目などです。",
    ),
    (
        "Where to begin when nothing is pointed at: saliency with what differs from the border "
        "and is sharp, the best of a few guesses; box with the box that leaves 5 % free."
    ): (
        "没有任何提示时从何处开始：saliency 从与边界不同且清晰的部分开始，取几个猜测中最好的；box"
        " 从四周留出 5 % 的方框开始。",
        "何も指定がないときの始め方：saliency は縁と異なり鮮明な部分から、いくつかの推測の最良の"
        "もの。box は周囲を 5 % 空けた枠から。",
    ),
    "Give the network's matte rather than 0 and 1: for Make Trimap's soft thresholds.": (
        "输出网络的抠图，而不是 0 和 1：供“生成三分图”的 soft 阈值使用。",
        "0 と 1 ではなくネットワークのマットを出します。トライマップ作成の soft のしきい値用です。",
    ),
    (
        "A file with weights of your own, or the name of a model that was trained here; empty "
        "for the published ones, fetched on first use."
    ): (
        "自己的权重文件，或在此训练的模型的名称；留空则用已发布的权重，首次使用时下载。",
        "自分の重みのファイル、またはここで学習したモデルの名前。空なら公開されている重みを使い、"
        "初回に取得します。",
    ),
    (
        "What to compute in; auto is fp32, as published. The halves are faster on a GPU, and "
        "bf16 on a CPU that computes in it."
    ): (
        "计算精度；auto 为 fp32，与发布时相同。半精度在 GPU 上更快，bf16 在支持它的 CPU 上更快。",
        "計算の精度。auto は公開時と同じ fp32。半精度は GPU で速く、bf16 は対応する CPU で速くな"
        "ります。",
    ),
    (
        "general for anything; lite, five times as small; hr for large pictures; dynamic, which "
        "keeps the proportions; portrait; the matting ones give soft edges."
    ): (
        "general 适用于一切；lite 只有五分之一大；hr 用于大图；dynamic 保持长宽比；portrait 用于"
        "人像；matting 各种给出柔和的边缘。",
        "general は何にでも。lite は 5 分の 1 の大きさ。hr は大きな画像用。dynamic は縦横比を保ち"
        "ます。portrait は人物用。matting 系は柔らかいエッジを出します。",
    ),
    (
        "Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds, whose "
        "unknown band then follows the network's own doubt."
    ): (
        "输出概率，而不是 0 和 1：供“生成三分图”的 soft 阈值使用，其未知带便随网络自身的不确定"
        "程度而变。",
        "0 と 1 ではなく確率を出します。トライマップ作成の soft のしきい値用で、未知の帯はネット"
        "ワーク自身の迷いに従います。",
    ),
    "The picture is squashed to a square of this side; 0 is what the network was trained at.": (
        "图片被压缩成此边长的正方形；0 为网络训练时的边长。",
        "画像をこの一辺の正方形に縮めます。0 は学習時の大きさです。",
    ),
    (
        "How the network's decoder orders patches of the picture: weights from before November "
        "2024 want columns, later ones rows, and no file says so. For weights of your own, check "
        "tries both, takes the mask with less doubt, and tells if they differ."
    ): (
        "网络的解码器如何排列图块：2024 年 11 月以前的权重用 columns，以后的用 rows，而文件中没有"
        "说明。对自己的权重，check 两种都试，取不确定程度较小的遮罩，并在二者不同时告知。",
        "デコーダーが画像のパッチを並べる順序：2024 年 11 月より前の重みは columns、以後は rows "
        "で、ファイルには書かれていません。自分の重みでは check が両方を試し、迷いの少ないマスク"
        "を取り、異なれば知らせます。",
    ),
    "Give the matte rather than 0 and 1: for Make Trimap's soft thresholds.": (
        "输出抠图，而不是 0 和 1：供“生成三分图”的 soft 阈值使用。",
        "0 と 1 ではなくマットを出します。トライマップ作成の soft のしきい値用です。",
    ),
    "The network looks at the picture at this size, as it was trained to.": (
        "网络以此尺寸观察图片，与训练时相同。",
        "ネットワークは学習時と同じく、この大きさで画像を見ます。",
    ),
    (
        "How the picture is brought to a size that the network takes: published, as its authors' "
        "demo does, often resized; full, at its own size, its sides filled up by reflection."
    ): (
        "如何把图片变为网络接受的尺寸：published 与作者的演示相同，通常会缩放；full 保持原尺寸，"
        "边缘用镜像补足。",
        "ネットワークが受け取る大きさへの合わせ方：published は作者のデモのとおりで、多くは拡大縮"
        "小します。full は元の大きさのまま、縁を反射で埋めます。",
    ),
    "Path of the ONNX file, for example of U²-Net, IS-Net, BiRefNet or MODNet.": (
        "ONNX 文件的路径，例如 U²-Net、IS-Net、BiRefNet 或 MODNet 的。",
        "ONNX ファイルのパス。U²-Net、IS-Net、BiRefNet、MODNet など。",
    ),
    (
        "How the network wants pictures, and what its output means, as its authors have it. "
        "custom takes the picture as it is, 0..1."
    ): (
        "网络需要怎样的图片，其输出是什么含义，按作者的约定。custom 按原样取图片，0..1。",
        "ネットワークがどんな画像を求め、出力が何を意味するか。作者の定めによります。custom は画"
        "像をそのまま 0..1 で渡します。",
    ),
    "Give the network's own values rather than 0 and 1: for Make Trimap's soft thresholds.": (
        "输出网络自己的数值，而不是 0 和 1：供“生成三分图”的 soft 阈值使用。",
        "0 と 1 ではなくネットワークの値をそのまま出します。トライマップ作成の soft のしきい値用"
        "です。",
    ),
    (
        "Of the square that the network looks at, for modnet the shorter side; 0 is that of the "
        "file or else of the preset, for custom the picture's own."
    ): (
        "网络所看的正方形的边长，modnet 则为短边；0 取文件规定的，否则取预设的，custom 取图片本身"
        "的。",
        "ネットワークが見る正方形の一辺、modnet では短辺。0 はファイルの値、なければプリセットの"
        "値、custom では画像そのものの値です。",
    ),
    (
        "Subtracted from the picture's 0..1: a number, or three for red, green and blue, with "
        "commas between them; empty is the preset's."
    ): (
        "从图片的 0..1 数值中减去：一个数，或红、绿、蓝三个数，用逗号分隔；留空用预设的。",
        "画像の 0..1 の値から引く数：1 つ、または赤・緑・青の 3 つをコンマ区切りで。空ならプリセ"
        "ットの値。",
    ),
    "The picture is divided by it afterwards; a number, or three. Empty is the preset's.": (
        "随后除以此数；一个或三个。留空用预设的。",
        "その後で割る数。1 つまたは 3 つ。空ならプリセットの値。",
    ),
    "Which of the network's outputs is the mask, from 1; 0 is the first.": (
        "网络的第几个输出是遮罩，从 1 数起；0 为第一个。",
        "ネットワークの何番目の出力がマスクか（1 から）。0 は最初のもの。",
    ),
    "Whether the output are logits, that the sigmoid makes 0..1; auto is the preset's.": (
        "输出是否为 logits，由 sigmoid 变为 0..1；auto 用预设的。",
        "出力がロジットで、シグモイドで 0..1 にするかどうか。auto はプリセットに従います。",
    ),
    "Give probabilities rather than 0 and 1: for Make Trimap's soft thresholds.": (
        "输出概率，而不是 0 和 1：供“生成三分图”的 soft 阈值使用。",
        "0 と 1 ではなく確率を出します。トライマップ作成の soft のしきい値用です。",
    ),
    "Size of the network.": (
        "网络的大小。",
        "ネットワークの大きさ。",
    ),
    (
        "What counts as foreground: any, or some of aeroplane, bicycle, bird, boat, bottle, bus, "
        "car, cat, chair, cow, diningtable, dog, horse, motorbike, person, pottedplant, sheep, "
        "sofa, train, tvmonitor, with commas between them."
    ): (
        "什么算作前景：any，或 aeroplane（飞机）、bicycle（自行车）、bird（鸟）、boat（船）、bott"
        "le（瓶子）、bus（公共汽车）、car（汽车）、cat（猫）、chair（椅子）、cow（牛）、diningtab"
        "le（餐桌）、dog（狗）、horse（马）、motorbike（摩托车）、person（人）、pottedplant（盆栽"
        "）、sheep（羊）、sofa（沙发）、train（火车）、tvmonitor（电视）中的几个，用逗号分隔。",
        "前景とみなすもの：any、または aeroplane（飛行機）、bicycle（自転車）、bird（鳥）、boat（"
        "船）、bottle（瓶）、bus（バス）、car（車）、cat（猫）、chair（椅子）、cow（牛）、diningt"
        "able（食卓）、dog（犬）、horse（馬）、motorbike（オートバイ）、person（人）、pottedplant"
        "（鉢植え）、sheep（羊）、sofa（ソファ）、train（列車）、tvmonitor（テレビ）のいくつかを"
        "コンマ区切りで。",
    ),
    (
        "The network looks at the picture at this size; 0 is the picture's own. It knows objects "
        "that are some hundred pixels large."
    ): (
        "网络以此尺寸观察图片；0 为图片本身的尺寸。它认识几百像素大小的物体。",
        "ネットワークはこの大きさで画像を見ます。0 は画像そのものの大きさ。数百画素の物体を認識し"
        "ます。",
    ),
    (
        "How the threshold is found: otsu for two clear levels, li for faint objects, triangle "
        "for few bright ones on much background, local for uneven light."
    ): (
        "如何确定阈值：otsu 用于两个分明的亮度级，li 用于暗淡的物体，triangle 用于大片背景上少量"
        "亮的物体，local 用于不均匀的光照。",
        "しきい値の決め方：otsu は明瞭な 2 段階、li は淡い物体、triangle は広い背景に少数の明るい"
        "物体、local はむらのある照明に。",
    ),
    "Which side of the threshold is foreground.": (
        "阈值的哪一侧是前景。",
        "しきい値のどちら側が前景か。",
    ),
    "What to look at in a picture with colors.": (
        "彩色图片中看哪个分量。",
        "カラー画像で何を見るか。",
    ),
    "Side of the windows of local, an odd number: larger than the objects.": (
        "local 的窗口边长，奇数：要大于物体。",
        "local の窓の一辺（奇数）。物体より大きくします。",
    ),
    "Smaller connected objects are dropped.": (
        "更小的连通物体被去掉。",
        "これより小さい連結した物体は捨てます。",
    ),
    "Holes up to this size are filled.": (
        "不超过此大小的孔洞被填充。",
        "この大きさまでの穴を埋めます。",
    ),
    "How far the band reaches into the foreground and into the background, in the unit.": (
        "未知带向前景内和向背景内延伸多远，按所选单位。",
        "帯が前景側と背景側へどこまで広がるか（単位に従う）。",
    ),
    (
        "px is pixels; physical the unit of pixel_size; percent is of the object's size, the "
        "diameter of a disk of its area."
    ): (
        "px 为像素；physical 为 pixel_size 的单位；percent 按物体大小计，即与其面积相等的圆的直径"
        "。",
        "px は画素。physical は pixel_size の単位。percent は物体の大きさ、すなわち同じ面積の円の"
        "直径に対する割合です。",
    ),
    "Side of a pixel in the physical unit. In napari, the layer's scale unless set.": (
        "一个像素的边长，按物理单位。在 napari 中若未设定，则为图层的比例。",
        "物理単位での 1 画素の一辺。napari では設定しなければレイヤーのスケール。",
    ),
    (
        "Holes of the mask up to this share of the object's area are filled first, such as eyes "
        "and buttons that the mask missed; 0 keeps all, as objects with gaps need it."
    ): (
        "先填充遮罩中不超过物体面积此比例的孔洞，例如遮罩漏掉的眼睛和纽扣；0 全部保留，有空隙的物"
        "体需要这样。",
        "まず、物体の面積のこの割合までのマスクの穴を埋めます。マスクが見落とした目やボタンなどで"
        "す。0 はすべて残し、隙間のある物体に必要です。",
    ),
    "How far the band reaches into each object, and into the background.": (
        "未知带向每个物体内和向背景内延伸多远。",
        "帯が各物体の内側と背景側へどこまで広がるか。",
    ),
    (
        "Shape of the element, which is 2 radius + 1 pixels wide: it has a center pixel, so the "
        "band is equally wide on every side."
    ): (
        "结构元素的形状，宽 2 × 半径 + 1 像素：它有中心像素，因此未知带各边同宽。",
        "構造要素の形。幅は 2 × 半径 + 1 画素で中心の画素があるため、帯はどの側も同じ幅になりま"
        "す。",
    ),
    "Radius of the element.": (
        "结构元素的半径。",
        "構造要素の半径。",
    ),
    "How often it is applied.": (
        "应用的次数。",
        "適用する回数。",
    ),
    (
        "square_10x5: a square of 10 pixels, 5 times. ellipse_7x6: an ellipse of 7 pixels, 6 "
        "times. smooth_ellipse_6: for soft masks, an ellipse of 10 − 4 = 6 pixels, once, with "
        "values up to 5 of 255 counting as background and from 250 as foreground."
    ): (
        "square_10x5：10 像素的正方形，5 次。ellipse_7x6：7 像素的椭圆，6 次。smooth_ellipse_6："
        "用于柔和遮罩，10 − 4 = 6 像素的椭圆，1 次；255 级中 5 以下算背景，250 以上算前景。",
        "square_10x5：10 画素の正方形を 5 回。ellipse_7x6：7 画素の楕円を 6 回。smooth_ellipse_6"
        "：ソフトマスク用に 10 − 4 = 6 画素の楕円を 1 回。255 段階で 5 以下を背景、250 以上を前景"
        "とします。",
    ),
    "Up to low is background, from high foreground.": (
        "不超过 low 为背景，从 high 起为前景。",
        "low までが背景、high からが前景です。",
    ),
    "The network looks at the picture at this size; its trimap is enlarged.": (
        "网络以此尺寸观察图片；其三分图再放大。",
        "ネットワークはこの大きさで画像を見て、トライマップを拡大します。",
    ),
    (
        "Radius of an ellipse at that size; parts of foreground and background that it does not "
        "fit into become unknown."
    ): (
        "该尺寸下椭圆的半径；前景和背景中容不下它的部分变为未知。",
        "その大きさでの楕円の半径。これが収まらない前景と背景の部分は未知になります。",
    ),
    "matting for anything; lite_matting, a tenth as large; hr_matting for large pictures.": (
        "matting 适用于一切；lite_matting 只有十分之一大；hr_matting 用于大图。",
        "matting は何にでも。lite_matting は 10 分の 1 の大きさ。hr_matting は大きな画像用。",
    ),
    "Regularization of the windows' color covariance, for colors in 0..1. Larger is smoother.": (
        "窗口内颜色协方差的正则化，颜色按 0..1 计。越大越平滑。",
        "窓内の色の共分散の正則化（色は 0..1）。大きいほど滑らかです。",
    ),
    "Maximum number of iterations of the solver (conjugate gradients).": (
        "求解器（共轭梯度法）的最多迭代次数。",
        "ソルバー（共役勾配法）の最大反復回数。",
    ),
    (
        "vgg16's published weights are non-commercial, segnet's are under the MIT licence but "
        "trained on non-commercial data; the two with an encoder for the picture and one for the "
        "trimap have to be trained first."
    ): (
        "vgg16 的已发布权重仅限非商业用途；segnet 的采用 MIT 许可，但用非商业数据训练；图片和三分"
        "图各有一个编码器的两种须先训练。",
        "vgg16 の公開された重みは非商用、segnet のものは MIT ライセンスですが非商用データで学習さ"
        "れています。画像用とトライマップ用のエンコーダーを持つ 2 つは、先に学習が必要です。",
    ),
    "Whether to use the refinement stage, if the weights have one.": (
        "权重含细化阶段时是否使用它。",
        "重みにリファイン段階があれば使うかどうか。",
    ),
    "Side of the tiles that a large picture is cut into; 0 chooses.": (
        "大图被切成的分块的边长；0 为自动。",
        "大きな画像を分けるタイルの一辺。0 は自動です。",
    ),
    "Radius of the windows.": (
        "窗口的半径。",
        "窓の半径。",
    ),
    "Regularization of the windows' color covariance. Larger is smoother.": (
        "窗口内颜色协方差的正则化。越大越平滑。",
        "窓内の色の共分散の正則化。大きいほど滑らかです。",
    ),
    "Neighbors of a pixel by color and position; half as many are found by color alone.": (
        "按颜色和位置找到的一个像素的邻居数；其一半数量的邻居只按颜色寻找。",
        "色と位置で探す画素の近傍の数。色だけで探す近傍はその半分です。",
    ),
    "Regularization of the windows' color covariance.": (
        "窗口内颜色协方差的正则化。",
        "窓内の色の共分散の正則化。",
    ),
    "Weight of the ridge.": (
        "岭回归的权重。",
        "リッジ項の重み。",
    ),
    "Difference of color, for colors in 0..1, that counts as an edge.": (
        "算作边缘的颜色差，颜色按 0..1 计。",
        "エッジとみなす色の差（色は 0..1）。",
    ),
    "base is four times as large, and a little better.": (
        "base 为四倍大，效果略好。",
        "base は 4 倍の大きさで、少し良くなります。",
    ),
    "Weight of smoothness against I = αF + (1 − α)B. Larger is smoother.": (
        "平滑项相对于 I = αF + (1 − α)B 的权重。越大越平滑。",
        "I = αF + (1 − α)B に対する滑らかさの重み。大きいほど滑らかです。",
    ),
    "Radius of the wide blur; that of the narrow one is a fifteenth.": (
        "宽模糊的半径；窄模糊的半径为其十五分之一。",
        "広いぼかしの半径。狭いぼかしはその 15 分の 1 です。",
    ),
    "Weight of smoothness against I = αF + (1 − α)B.": (
        "平滑项相对于 I = αF + (1 − α)B 的权重。",
        "I = αF + (1 − α)B に対する滑らかさの重み。",
    ),
}
