"""Names of Keras 2 that Keras 3 has under another name, or not at all."""

_LAYER_MODULES = (
    "core", "convolutional", "convolutional_recurrent", "pooling", "recurrent", "recurrent_v2",
    "normalization", "embeddings", "advanced_activations", "merge", "merging", "wrappers", "noise",
    "local", "rnn", "attention", "regularization", "reshaping", "activation",
)  # fmt: skip
MODULES = {f"keras.layers.{name}": "keras.layers" for name in _LAYER_MODULES} | {
    "keras.layers.experimental.preprocessing": "keras.layers",
    "keras.layers.experimental": "keras.layers",
    "keras.initializers.initializers_v1": "keras.initializers",
    "keras.initializers.initializers_v2": "keras.initializers",
    "keras.initializations": "keras.initializers",
    "keras.optimizers.legacy": "keras.optimizers",
    "keras.optimizers.experimental": "keras.optimizers",
    "keras.optimizer_v2": "keras.optimizers",
    "keras.callbacks.experimental": "keras.callbacks",
    "keras.experimental": "keras.optimizers.schedules",
    "keras.engine.topology": "keras.layers",
    "keras.engine.base_layer": "keras.layers",
    "keras.engine.input_layer": "keras.layers",
    "keras.engine.training": "keras.models",
    "keras.engine.sequential": "keras.models",
    "keras.engine": "keras",
    "keras.backend.tensorflow_backend": "keras.backend",
    "keras.objectives": "keras.losses",
    "keras.wrappers.scikit_learn": "mode.diagnosis.scikit_learn",
    **{f"keras.utils.{name}": "keras.utils" for name in
       ("np_utils", "generic_utils", "vis_utils", "data_utils", "io_utils", "layer_utils")},
    **{f"sklearn.{name}": "sklearn.model_selection" for name in
       ("cross_validation", "grid_search", "learning_curve")},
}  # fmt: skip
# other copies of Keras 2; a longer name first
PREFIXES = (
    ("tensorflow.contrib.keras.api.keras", "keras"),
    ("tensorflow.contrib.keras.python.keras", "keras"),
    ("tensorflow.contrib.keras", "keras"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
)
OPTIMIZERS = {
    "SGD": 0.01, "Adam": 0.001, "AdamW": 0.001, "RMSprop": 0.001, "Nadam": 0.001, "Adamax": 0.001,
    "Adagrad": 0.001, "Adadelta": 0.001, "Ftrl": 0.001,
}  # fmt: skip
# short expressions for lost functions, with their words
_FORMATS = "{'th': 'channels_first', 'tf': 'channels_last'}"
_SET = f"lambda order: __import__('keras').config.set_image_data_format({_FORMATS}[order])"
_GET = ("lambda: 'th' if __import__('keras').config.image_data_format() == 'channels_first' "
        "else 'tf'")  # fmt: skip
_NOTHING = "lambda *_, **__: None"
WORDS = {_SET: "keras.config.set_image_data_format", _GET: "keras.config.image_data_format",
         _NOTHING: ""}  # fmt: skip
# Lost names and what means the same. A name that only moved into `tensorflow.keras` or
# `tensorflow.compat.v1` needs no entry: `old_names.present` finds it there.
MOVED = {
    **{f"keras.layers.{old}": f"keras.layers.{new}" for old, new in {
        "CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU", "AtrousConvolution1D": "Conv1D",
        "AtrousConvolution2D": "Conv2D", "Convolution1D": "Conv1D", "Deconv2D": "Conv2DTranspose",
        "Deconvolution2D": "Conv2DTranspose", "Deconv3D": "Conv3DTranspose",
        "Deconvolution3D": "Conv3DTranspose"}.items()},
    **{f"keras.optimizers.{name.lower()}": f"keras.optimizers.{name}" for name in OPTIMIZERS},
    **{f"keras.constraints.{name}": f"keras.constraints.{new}" for name, new in
       (("maxnorm", "max_norm"), ("nonneg", "non_neg"), ("unitnorm", "unit_norm"))},
    **{f"keras.initializers.{name}": f"keras.initializers.{new}" for name, new in
       (("normal", "RandomNormal"), ("uniform", "RandomUniform"), ("zero", "Zeros"),
        ("one", "Ones"))},
    **{f"keras.losses.{name}": "keras.losses.cosine_similarity"
       for name in ("cosine", "cosine_proximity")},
    "keras.models.Input": "keras.layers.Input",
    "keras.InputLayer": "keras.layers.InputLayer",
    "keras.regularizers.l1l2": "keras.regularizers.l1_l2",
    "keras.backend.logsumexp": "keras.ops.logsumexp",
    "keras.backend.set_image_dim_ordering": _SET,
    "keras.backend.image_dim_ordering": _GET,
    "matplotlib.pyplot.hold": _NOTHING,
    "time.clock": "time.perf_counter",
    **{f"numpy.{name}": name for name in ("float", "int", "object", "bool", "str", "complex")},
    **{f"numpy.{old}": f"numpy.{new}" for old, new in {
        "NaN": "nan", "NAN": "nan", "Inf": "inf", "Infinity": "inf", "infty": "inf",
        "product": "prod", "cumproduct": "cumprod", "alltrue": "all", "sometrue": "any",
        "float_": "float64", "complex_": "complex128", "unicode_": "str_", "string_": "bytes_",
        "row_stack": "vstack"}.items()},
}  # fmt: skip
# TensorFlow 1's optimizers that step as Keras's do, with the epsilon that they had
TF1_OPTIMIZERS = {"GradientDescentOptimizer": ("SGD", None), "MomentumOptimizer": ("SGD", None),
                  "AdamOptimizer": ("Adam", 1e-8), "AdagradOptimizer": ("Adagrad", None),
                  "AdadeltaOptimizer": ("Adadelta", 1e-8),
                  "FtrlOptimizer": ("Ftrl", None)}  # fmt: skip
TF1_KEYWORDS = {"beta1": "beta_1", "beta2": "beta_2", "use_nesterov": "nesterov",
                "use_locking": ""}  # fmt: skip
NUMBERS = ("prod", "product", "numpy")  # calls that return a number of NumPy's
METHODS = {"fit_generator": "fit", "evaluate_generator": "evaluate",
           "predict_generator": "predict", "predict_proba": "predict"}  # fmt: skip
GONE = ("workers", "use_multiprocessing", "max_queue_size", "max_q_size", "nb_worker",
         "pickle_safe")  # fmt: skip
_KERNEL = {"init": "kernel_initializer", "W_regularizer": "kernel_regularizer",
           "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
           "b_constraint": "bias_constraint"}  # fmt: skip
_CONVOLUTION = {**_KERNEL, "nb_filter": "filters", "border_mode": "padding",
                "subsample": "strides", "filter_length": "kernel_size",
                "atrous_rate": "dilation_rate"}  # fmt: skip
SHAPE = {"batch_input_shape": "batch_shape"}
# keyword arguments that only have another name, by the called name
KEYWORDS: dict[str, dict[str, str]] = {
    **{f"reduce_{name}": {"keep_dims": "keepdims", "reduction_indices": "axis"}
       for name in ("sum", "mean", "max", "min", "prod", "any", "all", "logsumexp")},
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
LOSSES = {"logcosh": "log_cosh", "cosine_proximity": "cosine_similarity", "huber_loss": "huber",
          "kullback_leibler_divergence": "kl_divergence",
          "KLD": "kl_divergence", "kld": "kl_divergence"}  # fmt: skip
# What has no translation of certain meaning: the name and what takes its place.
REMOVED = {
    "keras.backend.get_session": "eager values: keras.ops.convert_to_numpy(tensor)",
    "keras.backend.set_session": "nothing; there are no sessions",
    "keras.backend.function": "keras.Model(inputs, outputs)",
    "keras.backend.placeholder": "keras.Input",
    "keras.backend.learning_phase": "the argument training of call",
    "keras.utils.multi_gpu_model": "keras.distribution",
    "keras.layers.Merge": "keras.layers.Concatenate, Add or Multiply",
    "keras.layers.LocallyConnected1D": "a layer of your own",
    "keras.layers.LocallyConnected2D": "a layer of your own",
    "tensorflow.contrib": "Keras layers; contrib is gone",
    "tensorflow.examples": "keras.datasets",
    "tensorflow.python.training": "keras.optimizers",
    "tensorflow.python.framework": "TensorFlow's public names",
    "tensorflow.estimator": "keras.Model.fit",
    "tensorflow.compat.v1.estimator": "keras.Model.fit",
    "tensorflow.Session": "eager execution; there are no sessions",
    "tensorflow.InteractiveSession": "eager execution; there are no sessions",
    "tensorflow.placeholder": "keras.Input",
    "tensorflow.get_variable": "tf.Variable",
    "tensorflow.train.RMSPropOptimizer": "keras.optimizers.RMSprop",
    "tensorflow.ConfigProto": "tf.config",
    "tensorflow.get_default_graph": "nothing; there is no default graph",
}
# as Keras 2 defined reset_states and predict_classes
RESET = ("lambda a: [b.reset_state() for b in getattr(a, 'layers', [a]) "
         "if hasattr(b, 'reset_state')]")  # fmt: skip
CLASSES = "lambda p: p.argmax(axis=-1) if p.shape[-1] > 1 else (p > 0.5).astype('int32')"
