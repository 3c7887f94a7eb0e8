"""Names of Keras 2 that Keras 3 has under another name, or not at all."""

_LAYER_MODULES = (
    "core", "convolutional", "convolutional_recurrent", "pooling", "recurrent", "recurrent_v2",
    "normalization", "embeddings", "advanced_activations", "merge", "merging", "wrappers", "noise",
    "local", "rnn", "attention", "regularization", "reshaping", "activation",
)  # fmt: skip
MODULES = {f"keras.layers.{name}": "keras.layers" for name in _LAYER_MODULES} | {
    "keras.initializers.initializers_v1": "keras.initializers",
    "keras.initializers.initializers_v2": "keras.initializers",
    "keras.optimizers.legacy": "keras.optimizers",
    "keras.optimizer_v2": "keras.optimizers",
    "keras.engine.topology": "keras.layers",
    "keras.engine.training": "keras.models",
    "keras.engine.sequential": "keras.models",
    "keras.objectives": "keras.losses",
    "keras.utils.np_utils": "keras.utils",
    "keras.utils.generic_utils": "keras.utils",
    "keras.utils.vis_utils": "keras.utils",
    "keras.preprocessing.text": "tensorflow.keras.preprocessing.text",
    "keras.preprocessing.image": "tensorflow.keras.preprocessing.image",
}
# the private copies of Keras 2 inside TensorFlow; a public name first, for it ends where it begins
PREFIXES = (
    ("tensorflow.keras.", "keras."),
    ("tensorflow.python.keras", "keras"),
    ("tf.keras.", "keras."),
)
NAMES = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU", "Convolution1D": "Conv1D",
         "Deconvolution2D": "Conv2DTranspose"}  # fmt: skip
# names that modules of Keras 2 had only because they imported them
MOVED = {"keras.models.Input": "keras.layers.Input", "time.clock": "time.perf_counter"}
METHODS = {"fit_generator": "fit", "evaluate_generator": "evaluate",
           "predict_generator": "predict", "predict_proba": "predict"}  # fmt: skip
GONE = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker",
         "pickle_safe")  # fmt: skip
OPTIMIZERS = {
    "SGD": 0.01, "Adam": 0.001, "AdamW": 0.001, "RMSprop": 0.001, "Nadam": 0.001, "Adamax": 0.001,
    "Adagrad": 0.001, "Adadelta": 0.001, "Ftrl": 0.001,
}  # fmt: skip
_KERNEL = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer",
           "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
           "b_constraint": "bias_constraint"}  # fmt: skip
_CONVOLUTION = {**_KERNEL, "nb_filter": "filters", "border_mode": "padding",
                "subsample": "strides", "filter_length": "kernel_size"}  # fmt: skip
SHAPE = {"batch_input_shape": "batch_shape"}
# keyword arguments that only have another name, by the called name
KEYWORDS: dict[str, dict[str, str]] = {
    **{name: {"lr": "learning_rate"} for name in OPTIMIZERS},
    **{name: {"nb_epoch": "epochs", "nb_val_samples": "validation_steps"}
       for name in ("fit", "fit_generator")},
    "Dense": {**_KERNEL, "output_dim": "units"},
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D", "Convolution2D"), _CONVOLUTION),
    **{name: {**_KERNEL, "output_dim": "units", "inner_init": "recurrent_initializer",
              "dropout_W": "dropout", "dropout_U": "recurrent_dropout"}
       for name in ("LSTM", "GRU", "SimpleRNN")},
    **{name: {"border_mode": "padding", "stride": "strides", "pool_length": "pool_size"}
       for name in ("MaxPooling1D", "MaxPooling2D", "AveragePooling2D")},
    "Dropout": {"p": "rate"}, "SpatialDropout1D": {"p": "rate"},
    "LeakyReLU": {"alpha": "negative_slope"}, "Model": {"input": "inputs", "output": "outputs"},
    "BatchNormalization": {"mode": ""}, "Embedding": {"input_length": "", "dropout": ""},
}  # fmt: skip
LOSSES = {"logcosh": "log_cosh", "kullback_leibler_divergence": "kl_divergence",
          "KLD": "kl_divergence", "kld": "kl_divergence"}  # fmt: skip
# What has no translation of certain meaning: the name and what takes its place.
REMOVED = {
    "keras.wrappers.scikit_learn": "keras.wrappers.SKLearnClassifier or the package scikeras",
    "tensorflow.contrib": "Keras layers; contrib is gone",
    "tensorflow.examples": "keras.datasets",
    "tensorflow.python.training": "keras.optimizers",
    "tensorflow.python.framework": "TensorFlow's public names",
    "keras.backend.get_session": "eager values: keras.ops.convert_to_numpy(tensor)",
    "keras.backend.set_session": "nothing; there are no sessions",
    "keras.backend.tensorflow_backend": "keras.ops",
    "keras.utils.multi_gpu_model": "keras.distribution",
    "tf.Session": "eager execution; there are no sessions",
    "tf.placeholder": "keras.Input",
    "tf.train.AdamOptimizer": "keras.optimizers.Adam",
    "tf.train.GradientDescentOptimizer": "keras.optimizers.SGD",
    "tf.ConfigProto": "tf.config",
    "tf.get_default_graph": "nothing; there is no default graph",
    "plt.hold": "nothing; axes always hold",
}  # fmt: skip
# names that Python, NumPy or TensorFlow have lost, and others that mean the same
SAME = {
    **{f"{numpy}.{name}": name for numpy in ("np", "numpy") for name in ("float", "int", "object")},
    "time.clock": "time.perf_counter", "tf.random_uniform": "tf.random.uniform",
    "tf.random_normal": "tf.random.normal",
}  # fmt: skip
# as Keras 2 defined predict_classes
CLASSES = "lambda p: p.argmax(axis=-1) if p.shape[-1] > 1 else (p > 0.5).astype('int32')"
