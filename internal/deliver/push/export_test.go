package push

// FCMRequest is fcmRequest.
var FCMRequest = fcmRequest
