// One import is enough: these modules have the types that a session takes and gives.
@_exported public import ImageBackup
@_exported public import ImageModel
@_exported public import ImageTransfer
@_exported public import ImageVerification
@_exported public import RegistryStore
