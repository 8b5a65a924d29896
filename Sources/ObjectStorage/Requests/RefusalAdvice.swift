import ImageModel

/// The next step after a server's refusal.
enum RefusalAdvice {
    /// - Parameters:
    ///   - refusal: of the server.
    ///   - permission: the IAM action that was needed.
    ///   - endpoint: of the bucket.
    static func step(_ refusal: StorageRefusal, permission: String, _ endpoint: Endpoint) -> String {
        switch refusal.code {
        case "NoSuchBucket": "create the bucket, or correct its name"
        case "AccessDenied", "AllAccessDisabled": "grant \(permission) to these credentials"
        case "AccountProblem", "NotSignedUp", "InvalidPayer": "check the account of these credentials"
        case "SignatureDoesNotMatch": "check the secret key, and the clock of this machine"
        case "InvalidAccessKeyId", "InvalidAccessKey": "check the access key"
        case "ExpiredToken", "TokenRefreshRequired", "InvalidToken", "InvalidTokenId":
            "get new temporary credentials"
        case "RequestTimeTooSkewed", "RequestExpired": "correct the clock of this machine"
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
            "IllegalLocationConstraintException",
            "IncorrectEndpoint":
            refusal.region.map { "set the region to \($0)" } ?? "set the region and endpoint of the bucket"
        case "SlowDown", "ServiceUnavailable", "Throttling", "TooManyRequests": "retry later"
        case "InternalError", "RequestTimeout", "OperationAborted": "retry; if it persists, look at the server's logs"
        case "QuotaExceeded", "InsufficientStorage": "free space, or raise the quota"
        case "NoSuchUpload": "start the upload again"
        case "EntityTooSmall", "EntityTooLarge", "InvalidPart", "InvalidPartOrder": "use another part size"
        case "KMS.NotFoundException", "KMS.DisabledException", "InvalidEncryptionAlgorithmError":
            "check the encryption settings (encrypt, keyid)"
        case "InvalidStorageClass": "use a storage class that this server has"
        case "InvalidBucketName": "correct the name of the bucket"
        case "KeyTooLongError", "KeyTooLong": "use a shorter root directory"
        case "MethodNotAllowed", "NotImplemented", "XNotImplemented": "use a server that supports this request"
        case "InvalidObjectState": "restore the object from its archive first"
        case "NotFound": "check the name of the bucket and the endpoint \(endpoint.name)"
        default:
            refusal.region.map { "set the region to \($0)" } ?? "check the endpoint \(endpoint.name) and its settings"
        }
    }

    static func kind(_ refusal: StorageRefusal) -> ImageError.Code {
        switch refusal.code {
        case "NoSuchBucket", "NoSuchKey", "NoSuchUpload", "NotFound": .notFound
        case "AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken", "InvalidToken",
            "AllAccessDisabled", "TokenRefreshRequired", "InvalidTokenId":
            .unauthorised
        case "PermanentRedirect", "AuthorizationHeaderMalformed", "InvalidBucketName", "KeyTooLongError": .usage
        case "PreconditionFailed", "NotImplemented", "MethodNotAllowed": .refused
        default: refusal.status == 401 || refusal.status == 403 ? .unauthorised : .service
        }
    }
}
